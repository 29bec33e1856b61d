"""The way of one file: request, send, confirm, wait. What breaks on the way is tried again or cleaned up after."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

from longshore_client.errors import Forbidden, LongshoreError, NotFound, Refused
from longshore_client.operations import Operations
from longshore_client.results import File, NewUpload, Progress, Upload, UploadStatus
from longshore_client.retries import Retries
from longshore_client.sources import Content, Source, Stream, opened
from longshore_client.transport import OnSent, Transport
from longshore_client.waiting import settled

OnProgress = Callable[[Progress], object]

_RENEWALS = 2
_ALREADY_THERE = 412


class Uploading:
    """One upload from its request to its file. `upload` is known once the request is answered; until it `is_confirmed`,
    giving up means aborting it."""

    def __init__(
        self, operations: Operations, transport: Transport, retries: Retries, on_progress: OnProgress | None
    ) -> None:
        self._operations = operations
        self._transport = transport
        self._retries = retries
        self._reporter = Reporter(on_progress)
        self.upload: Upload | None = None
        self.is_confirmed = False

    async def run(self, source: Source, new: NewUpload, *, wait: bool) -> File:
        """The file, ready (or still checking, unless `wait`). `new` without a size: that is the source's matter.

        Raises Refused, ProblemError, TransportError, SourceChanged, and OSError when the source cannot be read.
        """
        async with opened(source) as content:
            if isinstance(content, Stream):
                # Asked first, so that a stream is not read to its end for a server that does not want it.
                self.upload = await self._operations.request_upload(new)
                async with content.laid_down(self.upload.max_size) as laid_down:
                    await self._send(self.upload, laid_down)
            else:
                new = dataclasses.replace(new, size=content.size)
                self.upload = await self._operations.request_upload(new)
                await self._send(self.upload, content)
        self._reporter.stage("confirming")
        status = await self._operations.confirm(self.upload)
        self.is_confirmed = True
        self._reporter.status(status)
        if wait:
            status = await settled(
                self._transport, self._retries, self.upload.id, self.upload.read_token, status, self._reporter.status
            )
        return dataclasses.replace(outcome(status), read_token=self.upload.read_token)

    async def _send(self, upload: Upload, content: Content) -> None:
        self._reporter.total = content.size
        await send(self._operations, self._transport, self._retries, upload, content, self._reporter.sent)


async def send(
    operations: Operations,
    transport: Transport,
    retries: Retries,
    upload: Upload,
    content: Content,
    on_sent: OnSent,
) -> None:
    """Bring the bytes to where the upload's link says; when a try fails, begin again from the start with a fresh link.

    A link can be used once: that it is used up (412) means that an earlier try arrived although its answer did not.
    Whether what lies there is right is for confirm to say. Raises ProblemError, TransportError, SourceChanged, OSError.
    """
    link, attempt, renewals = upload.send, 1, 0
    while link is not None:
        pause: float | None = 0.0
        try:
            await transport.put(link, content, on_sent)
            await content.check()
            return
        except LongshoreError as error:
            if getattr(error, "status", None) == _ALREADY_THERE:
                return
            if isinstance(error, Forbidden) and renewals < _RENEWALS:
                renewals += 1
            else:
                attempt += 1
                pause = retries.wait_before(attempt, error)
                if pause is None:
                    raise
        await asyncio.sleep(pause)
        # Whatever it was, the old link may have expired meanwhile, or the upload may be over: then there is no link.
        link = (await operations.renew(upload)).send


def outcome(status: UploadStatus) -> File:
    """The file of a confirmed upload. Raises Refused when it did not pass, NotFound when there will be no file."""
    file = status.file
    if file is None:
        raise NotFound(f"upload-{status.state}", None, f"The upload is {status.state}; there is no file")
    if file.is_refused:
        refusal = file.refusal
        code, detail = (refusal.code, refusal.detail) if refusal else (file.state, f"The file is {file.state}")
        raise Refused(code, None, detail, file=file)
    return file


class Reporter:
    """Tells how far an upload is; says nothing twice in a row."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._sent = 0
        self.total: int | None = None
        self._last: Progress | None = None

    def sent(self, size: int) -> None:
        self._sent = size
        percent = 100 if size == self.total else (size * 100 // self.total if self.total else None)
        self.stage("sending", percent)

    def status(self, status: UploadStatus) -> None:
        file = status.file
        if file is not None:
            self._sent = self.total = file.size
        if file is None or file.is_checking:
            self.stage(*_current(status))
        else:
            self.stage(file.state, 100 if file.is_ready else None)

    def stage(self, name: str, percent: int | None = None) -> None:
        progress = Progress(sent=self._sent, total=self.total, stage=name, percent=percent)
        if self._on_progress is not None and progress != self._last:
            self._last = progress
            self._on_progress(progress)


def _current(status: UploadStatus) -> tuple[str, int | None]:
    """The step that is going on, and its percentage if it was told."""
    if status.progress is not None:
        return status.progress.step, status.progress.percent
    for state in ("running", "retrying", "waiting"):
        for step in status.steps:
            if step.state == state:
                return step.name, None
    return "checking", None
