"""Handlers of uploads: wire to service and back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from starlette.responses import Response, StreamingResponse

from longshore.core.errors import Problem
from longshore.core.ids import FileId, parse_file_id
from longshore.core.upload import UploadNotFound, parse_record
from longshore.core.urls import PublicUrls
from longshore.http.kit.operation import Call
from longshore.http.kit.problems import QueryInvalid
from longshore.http.native.bodies import (
    BatchAnswer,
    LinkBody,
    NewUploadBodies,
    NewUploadBody,
    UploadAnswer,
    UploadStatus,
)
from longshore.http.native.shapes import batch_item, upload_answer, upload_status
from longshore.services.asking import NewUpload
from longshore.services.confirming import Confirming
from longshore.services.files import Files
from longshore.services.uploads import Uploads

MAX_IDEMPOTENCY_KEY = 255
_encoder = msgspec.json.Encoder()


class UploadHandlers:
    def __init__(self, *, uploads: Uploads, confirming: Confirming, files: Files, urls: PublicUrls) -> None:
        self._uploads = uploads
        self._confirming = confirming
        self._files = files
        self._urls = urls

    async def request(self, call: Call[NewUploadBodies]) -> UploadAnswer | Response:
        """One upload (201), or a list of them: then 200 with an answer for each."""
        batch = isinstance(call.body, list)
        bodies = call.body if isinstance(call.body, list) else [call.body]
        outcomes = await self._uploads.request(
            call.principal,
            [_new_upload(body) for body in bodies],
            idempotency_key=_idempotency_key(call.headers.get("idempotency-key")),
            address=call.address,
        )
        if batch:
            answer = BatchAnswer(items=[batch_item(outcome) for outcome in outcomes])
            return Response(_encoder.encode(answer), media_type="application/json")
        outcome = outcomes[0]
        if isinstance(outcome, Problem):
            raise outcome
        return upload_answer(outcome)

    async def status(self, call: Call[None]) -> UploadStatus:
        upload = await self._uploads.get(call.principal, _id(call))
        return upload_status(upload, await self._files.status(upload.id), self._urls)

    async def link(self, call: Call[LinkBody]) -> UploadAnswer:
        return upload_answer(await self._uploads.again(call.principal, _id(call), call.body.send_by))

    async def confirm(self, call: Call[None]) -> UploadStatus:
        file = await self._confirming.confirm(call.principal, _id(call), address=call.address)
        upload = await self._uploads.get(call.principal, file.id)
        return upload_status(upload, await self._files.status(file.id), self._urls)

    async def abort(self, call: Call[None]) -> None:
        await self._uploads.abort(call.principal, _id(call))

    async def events(self, call: Call[None]) -> Response:
        """Server-sent events: `status` whenever something changed, `end` once the check is over."""
        upload = await self._uploads.get(call.principal, _id(call))

        async def stream() -> AsyncIterator[bytes]:
            async for status in self._files.follow(upload.id):
                body = _encoder.encode(upload_status(upload, status, self._urls))
                yield b"event: status\ndata: " + body + b"\n\n"
            yield b"event: end\ndata: {}\n\n"

        return StreamingResponse(
            stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )


def _new_upload(body: NewUploadBody) -> NewUpload:
    return NewUpload(
        name=body.name,
        type=body.type,
        size=body.size,
        max_size=body.max_size,
        kind=body.kind,
        record=parse_record(body.record) if body.record is not None else None,
        position=body.position,
        uploader=body.uploader,
        group=body.group,
        metadata=body.metadata,
        store=body.store,
        send_by=body.send_by,
    )


def _id(call: Call[None] | Call[LinkBody]) -> FileId:
    upload_id = parse_file_id(call.path["id"])
    if upload_id is None:
        raise UploadNotFound
    return upload_id


def _idempotency_key(header: str | None) -> str | None:
    if header is not None and not 1 <= len(header) <= MAX_IDEMPOTENCY_KEY:
        raise QueryInvalid(f"Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY} characters")
    return header
