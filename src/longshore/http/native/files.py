"""Handlers of files, records, kinds, audit and webhooks' logs: wire to service and back."""

from __future__ import annotations

from datetime import timedelta

from longshore.core.file import FileNotFound
from longshore.core.ids import FileId, WebhookId, parse_file_id
from longshore.core.imaging.grammar import parse
from longshore.core.kind import Kind
from longshore.core.sizes import parse_int
from longshore.core.time import Clock
from longshore.core.upload import Record, check_label
from longshore.core.urls import PublicUrls
from longshore.core.webhook import WebhookNotFound
from longshore.http.kit.operation import Call
from longshore.http.kit.problems import QueryInvalid
from longshore.http.native.bodies import (
    AuditAnswer,
    AuditAnswerItem,
    DeliveriesAnswer,
    DeliveryItem,
    FileAnswer,
    FilePatch,
    KindAnswer,
    KindBody,
    KindsAnswer,
    RecordAnswer,
    RestoreBody,
    SignedUrlAnswer,
    UrlBody,
)
from longshore.http.native.shapes import file_answer, kind_answer, record_answer
from longshore.services.attachments import Attachments
from longshore.services.files import Files
from longshore.services.projects import Projects
from longshore.services.webhooks import Webhooks

MAX_LIST = 1000


class FileHandlers:
    def __init__(self, *, files: Files, urls: PublicUrls, clock: Clock) -> None:
        self._files = files
        self._urls = urls
        self._clock = clock

    async def get(self, call: Call[None]) -> FileAnswer:
        return file_answer(await self._files.seen_by(call.principal, _file_id(call.path["id"])), self._urls)

    async def patch(self, call: Call[FilePatch]) -> FileAnswer:
        file = await self._files.seen_by(call.principal, _file_id(call.path["id"]), write=True)
        if call.body.stored is True:
            file = await self._files.store(call.principal.project, file.id, call.principal.actor)
        elif call.body.stored is False:
            raise QueryInvalid("`stored` can only be set to true; to remove the file, DELETE it")
        return file_answer(file, self._urls)

    async def delete(self, call: Call[None]) -> FileAnswer:
        file = await self._files.seen_by(call.principal, _file_id(call.path["id"]), write=True)
        return file_answer(await self._files.remove(call.principal.project, file.id, call.principal.actor), self._urls)

    async def url(self, call: Call[UrlBody]) -> SignedUrlAnswer:
        file = await self._files.seen_by(call.principal, _file_id(call.path["id"]))
        parse(call.body.operations)
        lifetime = timedelta(seconds=call.body.lifetime_s)
        url = self._files.signed_url(file, call.body.operations.lstrip("/"), lifetime)
        return SignedUrlAnswer(url=url, expires_at=self._clock.now() + lifetime)


class RecordHandlers:
    def __init__(self, *, attachments: Attachments, urls: PublicUrls) -> None:
        self._attachments = attachments
        self._urls = urls

    async def get(self, call: Call[None]) -> RecordAnswer:
        record, kind = _record(call.path["type"], call.path["record_id"]), call.path["kind"]
        attached = await self._attachments.of(call.principal.project, record, kind)
        return record_answer(record, kind, attached, self._urls)

    async def restore(self, call: Call[RestoreBody]) -> RecordAnswer:
        record, kind = _record(call.path["type"], call.path["record_id"]), call.path["kind"]
        attached = await self._attachments.restore(
            call.principal.project, record, kind, call.body.position, call.body.version, call.principal.actor
        )
        return record_answer(record, kind, attached, self._urls)


class ProjectHandlers:
    """Kinds, the audit trail, and what became of webhook deliveries."""

    def __init__(self, *, projects: Projects, webhooks: Webhooks) -> None:
        self._projects = projects
        self._webhooks = webhooks

    async def kinds(self, call: Call[None]) -> KindsAnswer:
        return KindsAnswer(items=[kind_answer(kind) for kind in await self._projects.kinds(call.principal.project)])

    async def kind(self, call: Call[None]) -> KindAnswer:
        return kind_answer(await self._projects.kind(call.principal.project, call.path["name"]))

    async def put_kind(self, call: Call[KindBody]) -> KindAnswer:
        body = call.body
        kind = Kind(
            project_id=call.principal.project.id,
            name=call.path["name"],
            accept=tuple(body.accept),
            sizes=body.sizes,
            visibility=body.visibility,
            scan=body.scan,
            retention=timedelta(seconds=body.retention_s) if body.retention_s else None,
        )
        return kind_answer(await self._projects.put_kind(kind))

    async def delete_kind(self, call: Call[None]) -> None:
        await self._projects.delete_kind(call.principal.project, call.path["name"])

    async def audit(self, call: Call[None]) -> AuditAnswer:
        entries = await self._projects.audit(call.principal.project, _limit(call.query.get("limit")))
        return AuditAnswer(
            items=[
                AuditAnswerItem(
                    at=entry.at,
                    actor=entry.actor,
                    action=entry.action,
                    subject=entry.subject,
                    address=entry.address,
                    detail=dict(entry.detail),
                )
                for entry in entries
            ]
        )

    async def deliveries(self, call: Call[None]) -> DeliveriesAnswer:
        webhook_id = parse_int(call.path["webhook_id"])
        if webhook_id is None:
            raise WebhookNotFound
        limit = _limit(call.query.get("limit"))
        deliveries = await self._webhooks.deliveries(call.principal.project, WebhookId(webhook_id), limit)
        return DeliveriesAnswer(
            items=[
                DeliveryItem(
                    event_id=str(one.event_id), attempt=one.attempt, at=one.at, status=one.status, error=one.error
                )
                for one in deliveries
            ]
        )


def _file_id(text: str) -> FileId:
    file_id = parse_file_id(text)
    if file_id is None:
        raise FileNotFound
    return file_id


def _record(kind: str, ident: str) -> Record:
    return Record(check_label(kind), check_label(ident))


def _limit(text: str | None) -> int:
    limit = parse_int(text) if text is not None else 100
    if limit is None or not 1 <= limit <= MAX_LIST:
        raise QueryInvalid(f"`limit` is a whole number from 1 to {MAX_LIST}")
    return limit
