"""The client: `upload` brings a file and answers when it is checked; everything else is an operation of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self, TypedDict, TypeVar, Unpack

from longshore_client.errors import LongshoreError, TimedOut
from longshore_client.operations import Operations
from longshore_client.results import File, NewUpload, Progress, Upload
from longshore_client.retries import Retries
from longshore_client.sources import Source, Stream, name_of, opened, type_of
from longshore_client.transport import Transport
from longshore_client.uploading import OnProgress, Reporter, Uploading, outcome, send
from longshore_client.waiting import looked_at, settled

S = TypeVar("S", bound=Source)

Outcome = File | LongshoreError | OSError
"""What became of one of many: the file, or why there is none."""

GIVE_UP_S = 3.0
"""How long an upload that ends early may take to tell the server so."""


class UploadOptions(TypedDict, total=False):
    """What `upload` takes besides the source, its name, type and position."""

    kind: str | None
    record: str | None
    uploader: str | None
    group: str | None
    metadata: Mapping[str, str] | None
    store: bool | None
    wait: bool
    timeout: float | None


class LongshoreClient(Operations):
    """A connection to a Longshore server. Use it as `async with`, or `close` it; one event loop, many tasks.

    Give the secret `key` (servers), an upload `token` (who uploads; see `sign_upload_token`), or the `public_key`
    (what the project allows to everybody). Network errors, 408, 429 and 5xx are tried again as `retries` says.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None = None,
        token: str | None = None,
        public_key: str | None = None,
        retries: Retries | None = None,
    ) -> None:
        if sum(credential is not None for credential in (key, token, public_key)) != 1:
            raise ValueError("give exactly one of key, token and public_key")
        transport = Transport(base_url, bearer=key or token, public_key=public_key)
        super().__init__(transport, retries or Retries())
        self._ending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections, after uploads that were given up have said so to the server (within three seconds)."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=GIVE_UP_S)
        await self._transport.close()

    # -- uploads, whole ------------------------------------------------------------------------------------------------

    async def upload(
        self,
        source: Source,
        *,
        name: str | None = None,
        type: str | None = None,  # noqa: A002 -- the word of the API
        kind: str | None = None,
        record: str | None = None,
        position: int = 0,
        uploader: str | None = None,
        group: str | None = None,
        metadata: Mapping[str, str] | None = None,
        store: bool | None = None,
        wait: bool = True,
        timeout: float | None = None,  # noqa: ASYNC109 -- it also says what becomes of the upload then
        on_progress: OnProgress | None = None,
    ) -> File:
        """Bring a file: a path, bytes, a binary file object, or an asynchronous stream of bytes.

        Answers the file once it is checked and ready; without `wait` as soon as it is confirmed. `name` and `type` are
        taken from the source when they are not given. `record` (`user/42`) with `kind` makes it the record's current
        file at `position`. `store` keeps it for good, or not; None leaves that to the project. `on_progress` is called
        in the event loop and must be quick; what it raises ends the upload.

        A stream, whose size nobody knows, goes through a temporary file. Cancelled, or out of time (`timeout`, in
        seconds, for everything), or failing, an upload is aborted on the server, unless it is confirmed already.

        Raises Refused when the file does not pass its check, TimedOut, other ProblemErrors, TransportError,
        SourceChanged, and OSError when the source cannot be read.
        """
        name = name or name_of(source)
        new = NewUpload(
            name=name,
            type=type or type_of(name),
            kind=kind,
            record=record,
            position=position,
            uploader=uploader,
            group=group,
            metadata=metadata,
            store=store,
        )
        uploading = Uploading(self, self._transport, self._retries, on_progress)
        scope = asyncio.timeout(timeout)
        try:
            async with scope:
                try:
                    return await uploading.run(source, new, wait=wait)
                except BaseException:
                    if uploading.upload is not None and not uploading.is_confirmed:
                        await self._give_up(uploading.upload)
                    raise
        except LongshoreError as error:
            error.upload_id = uploading.upload.id if uploading.upload else None
            raise
        except TimeoutError:
            if not scope.expired():
                raise
            raise _timed_out(timeout, uploading.upload.id if uploading.upload else None) from None

    async def upload_many(
        self,
        sources: Iterable[S],
        *,
        parallel: int = 4,
        position: int = 0,
        on_progress: Callable[[S, Progress], object] | None = None,
        on_done: Callable[[S, Outcome], object] | None = None,
        **options: Unpack[UploadOptions],
    ) -> list[Outcome]:
        """Bring many files, `parallel` at once: for each, in order, its file, or the error why there is none.

        `on_done` hears of each as soon as it is over. With a `record`, the first file goes to `position` and the others
        follow it. What is not one file's matter (a source that is none, a callback that raises) ends all of them, as an
        ExceptionGroup.
        """
        if parallel < 1:
            raise ValueError("parallel must be at least 1")
        is_sequence = options.get("record") is not None
        waiting = enumerate(sources)
        outcomes: dict[int, Outcome] = {}

        async def work() -> None:
            for index, source in waiting:
                place = position + index if is_sequence else position
                told = None if on_progress is None else _about(source, on_progress)
                try:
                    outcome = await self.upload(source, position=place, on_progress=told, **options)
                except (LongshoreError, OSError) as error:
                    outcome = error
                outcomes[index] = outcome
                if on_done is not None:
                    on_done(source, outcome)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(parallel):
                tasks.create_task(work())
        return [outcomes[index] for index in range(len(outcomes))]

    # -- steps of an upload that need more than one request ------------------------------------------------------------

    async def send(self, upload: Upload, source: Source, *, on_progress: OnProgress | None = None) -> None:
        """Send the bytes of an upload that was requested; then `confirm` it. Raises like `upload`."""
        reporter = Reporter(on_progress)
        async with opened(source) as content, contextlib.AsyncExitStack() as stack:
            if isinstance(content, Stream):
                content = await stack.enter_async_context(content.laid_down(upload.max_size))
            reporter.total = content.size
            await send(self, self._transport, self._retries, upload, content, reporter.sent)

    async def wait(
        self,
        upload: Upload | str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 -- as in `upload`
        on_progress: OnProgress | None = None,
    ) -> File:
        """The file of an upload once its check is over. Raises Refused, TimedOut, NotFound (aborted, expired)."""
        upload_id, bearer = (upload.id, upload.read_token) if isinstance(upload, Upload) else (upload, None)
        reporter = Reporter(on_progress)
        scope = asyncio.timeout(timeout)
        try:
            async with scope:
                status = await looked_at(self._transport, self._retries, upload_id, bearer)
                reporter.status(status)
                return outcome(
                    await settled(self._transport, self._retries, upload_id, bearer, status, reporter.status)
                )
        except TimeoutError:
            if not scope.expired():
                raise
            raise _timed_out(timeout, upload_id) from None

    # ------------------------------------------------------------------------------------------------------------------

    async def _give_up(self, upload: Upload) -> None:
        """Abort on the server, as well as that can be done in a moment. A second cancellation does not stop it."""
        task = asyncio.create_task(self._abort_once(upload))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        await asyncio.wait({task}, timeout=GIVE_UP_S)

    async def _abort_once(self, upload: Upload) -> None:
        # What it costs when this fails is an open upload that expires by itself.
        with contextlib.suppress(LongshoreError, TimeoutError, RuntimeError):
            async with asyncio.timeout(GIVE_UP_S):
                await self._transport.call("DELETE", f"/uploads/{upload.id}", bearer=upload.write_token)


def _about(source: S, on_progress: Callable[[S, Progress], object]) -> OnProgress:
    return lambda progress: on_progress(source, progress)


def _timed_out(seconds: float | None, upload_id: str | None) -> TimedOut:
    error = TimedOut(f"Not done within {seconds:g} seconds" if seconds is not None else "Not done in time")
    error.upload_id = upload_id
    return error
