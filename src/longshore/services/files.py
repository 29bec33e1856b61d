"""Files after confirm: looked up, waited for, listed, stored, removed, and addressed for those who may have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import quote

from longshore.core.audit import AuditEntry
from longshore.core.errors import Conflict
from longshore.core.event import ROUTES, Event, EventKind
from longshore.core.file import REFUSED, File, FileNotFound, FileNotReady, FileRefused, FileState, Step, Totals
from longshore.core.ids import EventId, FileId, Ids, ProjectId
from longshore.core.imaging.grammar import BadOperation
from longshore.core.job import POLICIES
from longshore.core.principal import Principal, Server, TokenHolder, Uploader
from longshore.core.project import Project
from longshore.core.time import Clock
from longshore.core.urls import PublicUrls, delivery_token, signed_path
from longshore.ports.coordination import Progress, ProgressChannel, WakeUp
from longshore.ports.database import Database, FileQuery
from longshore.ports.secrets import SecretBox
from longshore.ports.storage import ObjectKey, ObjectStore
from longshore.services.projects import TimedCache

LOOKUP_LIFETIME = timedelta(seconds=1)
URL_LIFETIME, MAX_URL_LIFETIME = timedelta(minutes=5), timedelta(days=7)
_POLL = timedelta(seconds=2)
"""Progress notices may be lost; rows are looked at again this often."""


class ChangedMeanwhile(Conflict):
    code = "changed-meanwhile"
    title = "The file was changed at the same moment, try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A file with the steps of its processing; `progress` is the latest percentage heard, if any."""

    file: File
    steps: Sequence[Step]
    progress: Progress | None = None


class Files:
    def __init__(
        self,
        *,
        db: Database,
        objects: ObjectStore,
        progress: ProgressChannel,
        wakeup: WakeUp,
        secrets: SecretBox,
        urls: PublicUrls,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._objects = objects
        self._progress = progress
        self._wakeup = wakeup
        self._secrets = secrets
        self._urls = urls
        self._clock = clock
        self._ids = ids
        self._known = TimedCache[FileId, File](clock, LOOKUP_LIFETIME)

    # -- looked up -----------------------------------------------------------------------------------------------------

    def known(self, file_id: FileId) -> File | None:
        """A ready file looked up a moment ago: for the hot path of delivery."""
        return self._known.get(file_id)

    async def find(self, file_id: FileId) -> File | None:
        async with self._db.reading() as tx:
            file = await tx.files.get(file_id)
        if file is not None and file.is_deliverable:
            self._known.put(file_id, file)
        return file

    async def get(self, project: Project, file_id: FileId) -> File:
        """Raises FileNotFound, also for a file of another project."""
        file = await self.find(file_id)
        if file is None or file.project_id != project.id:
            raise FileNotFound
        return file

    async def seen_by(self, principal: Principal, file_id: FileId, *, write: bool = False) -> File:
        """The file, if `principal` may see it (with `write`: change it). Raises FileNotFound."""
        file = await self.get(principal.project, file_id)
        match principal:
            case Server():
                return file
            case TokenHolder() if principal.upload_id == file_id and not write:
                return file
            case Uploader() if principal.uploader == file.purpose.uploader and not write:
                return file
            case _:
                raise FileNotFound

    async def status(self, file_id: FileId) -> Status | None:
        async with self._db.reading() as tx:
            file = await tx.files.get(file_id)
            return Status(file=file, steps=await tx.steps.of(file_id)) if file else None

    async def settled(self, file_id: FileId, within: timedelta) -> File | None:
        """The file once its check is over, or as it is after `within`; None when there is no such file."""
        file = await self.find(file_id)
        if file is None or file.state is not FileState.CHECKING:
            return file
        try:
            async with asyncio.timeout(within.total_seconds()):
                async for status in self.follow(file_id):
                    file = status.file
        except TimeoutError:
            pass
        return file

    async def follow(self, file_id: FileId) -> AsyncIterator[Status]:
        """The file's status now and whenever something changed, until its check is over."""
        async with self._progress.subscribe(file_id) as heard:
            status = await self.status(file_id)
            while status is not None:
                yield status
                if status.file.state is not FileState.CHECKING:
                    return
                try:
                    async with asyncio.timeout(_POLL.total_seconds()):
                        progress = await anext(heard)
                except TimeoutError:
                    progress = None
                if progress is not None and progress.percent is not None:
                    status = replace(status, progress=progress)
                else:
                    status = await self.status(file_id)

    # -- lists ---------------------------------------------------------------------------------------------------------

    async def list(self, query: FileQuery) -> Sequence[File]:
        async with self._db.reading() as tx:
            return await tx.files.list(query)

    async def counted(self, query: FileQuery) -> tuple[int, Totals]:
        """How many files the query describes in all, and the project's totals."""
        async with self._db.reading() as tx:
            return await tx.files.count(query), await tx.files.totals(query.project_id)

    # -- changed -------------------------------------------------------------------------------------------------------

    async def store(self, project: Project, file_id: FileId, actor: str) -> File:
        """Keep for good; storing a removed file revives it while its bytes remain. Safe to repeat.

        Raises FileNotFound (also when the bytes are gone), FileRefused, ChangedMeanwhile.
        """
        file = await self.get(project, file_id)
        if file.state in REFUSED:
            raise FileRefused
        if file.purged_at is not None:
            raise FileNotFound
        if file.stored_at is not None and file.state is not FileState.REMOVED:
            return file
        stored = file.stored(self._clock.now())
        # Removed before its check was over: the check that was under way has given up, so another one is asked for.
        unchecked = file.state is FileState.REMOVED and stored.state is FileState.CHECKING
        events = (EventKind.FILE_STORED, EventKind.FILE_RECEIVED) if unchecked else (EventKind.FILE_STORED,)
        return await self._changed(file, stored, events, actor)

    async def remove(self, project: Project, file_id: FileId, actor: str) -> File:
        """Hide at once; bytes go after a day of grace. Safe to repeat. Raises FileNotFound, ChangedMeanwhile."""
        file = await self.get(project, file_id)
        if file.state is FileState.REMOVED or file.state in REFUSED:
            return file
        return await self._changed(file, file.removed(self._clock.now()), (EventKind.FILE_DELETED,), actor)

    async def expire(self, limit: int = 100) -> int:
        """For the sweeper: remove temporary files past their time. Answers how many."""
        async with self._db.reading() as tx:
            overdue = await tx.files.expired(self._clock.now(), limit)
        for file in overdue:
            await self._changed(file, file.removed(self._clock.now()), (EventKind.FILE_DELETED,), "sweeper")
        return len(overdue)

    async def purge(self, limit: int = 100) -> int:
        """For the sweeper: delete bytes whose grace is over, and out of quarantine. Answers how many."""
        now = self._clock.now()
        async with self._db.reading() as tx:
            due = await tx.files.purgeable(now, limit)
        for file in due:
            # The row first: once it says so, storing cannot revive a file whose bytes are about to go.
            async with self._db.transaction() as tx:
                claimed = await tx.files.save(replace(file, purged_at=now))
            if claimed:
                await self._objects.delete(ObjectKey.sealed(file.id, file.seal))
                await self._objects.delete(ObjectKey.quarantined(file.id, file.seal))
        return len(due)

    async def _changed(self, before: File, after: File, events: Sequence[EventKind], actor: str) -> File:
        now = self._clock.now()
        async with self._db.transaction() as tx:
            if not await tx.files.save(after):
                raise ChangedMeanwhile
            for kind in events:
                await tx.events.add(
                    Event(
                        id=EventId(self._ids.uuid7()),
                        project_id=before.project_id,
                        kind=kind,
                        file_id=before.id,
                        at=now,
                    )
                )
            await tx.audit.add(
                AuditEntry(
                    project_id=before.project_id, at=now, actor=actor, action=events[0].value, subject=str(before.id)
                )
            )
        self._known.forget(before.id)
        for queue in {POLICIES[job].queue for kind in events for job in ROUTES[kind]}:
            self._wakeup.ring(queue)
        return replace(after, version=after.version + 1)

    # -- addressed -----------------------------------------------------------------------------------------------------

    def delivery_secret(self, project_id: ProjectId) -> str:
        """Hex, as the contract's signed URLs want it (3.8)."""
        return self._secrets.key_for(f"delivery:{project_id}").hex()

    def signed_url(self, file: File, operations: str, lifetime: timedelta) -> str:
        """A URL that works for `lifetime` at most, for exactly these operations (`""` is the original).

        `operations` as in a URL: what is not percent-encoded, and has to be, becomes it. Raises FileNotReady,
        FileRefused, FileNotFound (removed), BadOperation.
        """
        match file.state:
            case FileState.READY:
                pass
            case FileState.CHECKING:
                raise FileNotReady(retry_after=timedelta(seconds=1))
            case FileState.REMOVED:
                raise FileNotFound
            case _:
                raise FileRefused
        try:
            written, path = signed_path(f"/{file.id}/{operations}")
        except ValueError as e:
            raise BadOperation("A signed URL cannot end in `*`, nor hold `~` or control characters") from e
        token = delivery_token(
            self.delivery_secret(file.project_id), path, self._clock.now() + min(lifetime, MAX_URL_LIFETIME)
        )
        return f"{self._urls.cdn}{written}?token={quote(token, safe='=~/:@,')}"
