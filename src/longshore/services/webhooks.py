"""Webhooks: subscriptions, and telling subscribers of events, signed and retried (contract 2.12)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from longshore.core.errors import Problem
from longshore.core.event import Event
from longshore.core.file import File
from longshore.core.ids import EventId, Ids, JobId, WebhookId, parse_file_id
from longshore.core.job import Job, JobKind, JobState, Queue
from longshore.core.project import Project
from longshore.core.signing import webhook_signature
from longshore.core.time import Clock, to_wire
from longshore.core.uploadcare import rest_file
from longshore.core.urls import PublicUrls
from longshore.core.webhook import (
    PUBLIC_EVENTS,
    BadWebhook,
    Delivery,
    Webhook,
    WebhookEvent,
    WebhookNotFound,
    check_target,
)
from longshore.ports.coordination import WakeUp
from longshore.ports.database import Database, Transaction
from longshore.ports.outbound import Caller
from longshore.services.ledger import Ledger

DELIVERY_TIMEOUT = timedelta(seconds=20)
MAX_SECRET = 32
VERSION = "0.7"


class WebhookRefused(Problem):
    """The receiver did not take the event: any answer but 2xx."""

    code = "webhook-refused"
    title = "The webhook's receiver did not accept the event"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    target_url: str
    event: WebhookEvent
    is_active: bool = True
    signing_secret: str | None = None


class Webhooks:
    def __init__(
        self,
        *,
        db: Database,
        ledger: Ledger,
        caller: Caller,
        wakeup: WakeUp,
        urls: PublicUrls,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._caller = caller
        self._wakeup = wakeup
        self._urls = urls
        self._clock = clock
        self._ids = ids

    # -- subscriptions -------------------------------------------------------------------------------------------------

    async def create(self, project: Project, new: NewWebhook) -> Webhook:
        """Raises BadWebhook, WebhookExists."""
        now = self._clock.now()
        webhook = Webhook(
            id=WebhookId(0),
            project_id=project.id,
            event=new.event,
            target_url=check_target(new.target_url),
            is_active=new.is_active,
            signing_secret=_checked_secret(new.signing_secret),
            version=VERSION,
            created_at=now,
            updated_at=now,
        )
        async with self._db.transaction() as tx:
            return await tx.webhooks.add(webhook)

    async def list(self, project: Project) -> Sequence[Webhook]:
        async with self._db.reading() as tx:
            return await tx.webhooks.of(project.id)

    async def change(
        self,
        project: Project,
        webhook_id: WebhookId,
        *,
        target_url: str | None = None,
        event: WebhookEvent | None = None,
        is_active: bool | None = None,
        signing_secret: str | None = None,
    ) -> Webhook:
        """What is None stays as it is. Raises WebhookNotFound, BadWebhook, WebhookExists."""
        async with self._db.transaction() as tx:
            webhook = await self._own(tx, project, webhook_id)
            webhook = replace(
                webhook,
                target_url=check_target(target_url) if target_url is not None else webhook.target_url,
                event=event or webhook.event,
                is_active=webhook.is_active if is_active is None else is_active,
                signing_secret=_checked_secret(signing_secret)
                if signing_secret is not None
                else webhook.signing_secret,
                updated_at=self._clock.now(),
            )
            await tx.webhooks.save(webhook)
        return webhook

    async def delete(self, project: Project, webhook_id: WebhookId) -> None:
        """Raises WebhookNotFound."""
        async with self._db.transaction() as tx:
            if not await tx.webhooks.delete(project.id, webhook_id):
                raise WebhookNotFound

    async def unsubscribe(self, project: Project, target_url: str) -> None:
        """All subscriptions of that URL end; there need not be any."""
        async with self._db.transaction() as tx:
            for webhook in await tx.webhooks.of(project.id):
                if webhook.target_url == target_url:
                    await tx.webhooks.delete(project.id, webhook.id)

    async def deliveries(self, project: Project, webhook_id: WebhookId, limit: int = 100) -> Sequence[Delivery]:
        """The latest attempts, newest first. Raises WebhookNotFound."""
        async with self._db.reading() as tx:
            await self._own(tx, project, webhook_id)
            return await tx.webhooks.deliveries(webhook_id, limit)

    async def _own(self, tx: Transaction, project: Project, webhook_id: WebhookId) -> Webhook:
        webhook = await tx.webhooks.get(webhook_id)
        if webhook is None or webhook.project_id != project.id:
            raise WebhookNotFound
        return webhook

    # -- jobs ----------------------------------------------------------------------------------------------------------

    async def notify(self, job: Job) -> None:
        """One event: a delivery job for each webhook that wants it."""
        event_id = _event_id(job)
        async with self._db.reading() as tx:
            event = await tx.events.get(event_id)
            public = PUBLIC_EVENTS.get(event.kind) if event else None
            hooks = await tx.webhooks.for_event(event.project_id, public) if event and public else ()
        now = self._clock.now()
        deliveries = [
            Job(
                id=JobId(self._ids.uuid7()),
                kind=JobKind.DELIVER,
                subject=job.subject,
                state=JobState.WAITING,
                due_at=now,
                created_at=now,
                payload={"event": str(event_id), "webhook": str(hook.id)},
            )
            for hook in hooks
        ]
        async with self._ledger.completing(job) as tx:
            if deliveries:
                await tx.jobs.add(deliveries)
        if deliveries:
            self._wakeup.ring(Queue.NOTIFY)

    async def deliver(self, job: Job) -> None:
        """One attempt to tell one webhook of one event. Raises Problem when it shall be tried again."""
        event_id = _event_id(job)
        file_id = parse_file_id(job.subject)
        async with self._db.reading() as tx:
            event = await tx.events.get(event_id)
            webhook = await tx.webhooks.get(WebhookId(int(job.payload["webhook"])))
            file = await tx.files.get(file_id) if file_id else None
            project = await tx.projects.get(webhook.project_id) if webhook else None
        if event is None or webhook is None or file is None or project is None or not webhook.is_active:
            async with self._ledger.completing(job):
                return
        body = json.dumps(self._payload(event, webhook, file, project.public_key), separators=(",", ":")).encode()
        status: int | None = None
        failure: Problem | None = None
        try:
            answer = await self._caller.post(webhook.target_url, body, _headers(webhook, body), within=DELIVERY_TIMEOUT)
            status = answer.status
            if not 200 <= status < 300:
                failure = WebhookRefused(f"The receiver answered {status}")
        except Problem as problem:
            failure = problem
        record = Delivery(
            webhook_id=webhook.id,
            event_id=event_id,
            attempt=job.attempt,
            at=self._clock.now(),
            status=status,
            error=failure.detail if failure else None,
        )
        if failure is None:
            async with self._ledger.completing(job) as tx:
                await tx.webhooks.log(record)
            return
        async with self._db.transaction() as tx:
            await tx.webhooks.log(record)
        raise failure

    def _payload(self, event: Event, webhook: Webhook, file: File, public_key: str) -> Mapping[str, Any]:
        return {
            "initiator": {"type": "api", "detail": {"request_id": None, "addon_name": None}},
            "hook": {
                "id": webhook.id,
                "project_id": webhook.project_id,
                "project_pub_key": public_key,
                "created_at": to_wire(webhook.created_at),
                "updated_at": to_wire(webhook.updated_at),
                "event": webhook.event.value,
                "target": webhook.target_url,
                "is_active": webhook.is_active,
                "version": webhook.version,
            },
            "data": rest_file(file, self._urls),
            "file": self._urls.original(file),
        }


def _headers(webhook: Webhook, body: bytes) -> Mapping[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "Longshore-Webhook/1"}
    if webhook.signing_secret:
        headers["X-Uc-Signature"] = webhook_signature(webhook.signing_secret, body)
    return headers


def _checked_secret(secret: str | None) -> str | None:
    if secret is not None and len(secret) > MAX_SECRET:
        raise BadWebhook(f"`signing_secret` may have at most {MAX_SECRET} characters")
    return secret or None


def _event_id(job: Job) -> EventId:
    return EventId(UUID(job.payload["event"]))
