"""CONFIRM: from an upload whose bytes have arrived to a file in checking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from longshore.core.audit import AuditEntry
from longshore.core.errors import Problem
from longshore.core.event import Event, EventKind
from longshore.core.file import TEMPORARY_LIFETIME, File, FileState, Step, StepName, StepState
from longshore.core.ids import EventId, FileId, Ids
from longshore.core.job import Queue
from longshore.core.kind import KindNotFound, Visibility
from longshore.core.principal import Principal, TokenSpent, UploadClient
from longshore.core.project import Project
from longshore.core.time import Clock
from longshore.core.upload import BytesMissing, SizeMismatch, Upload, UploadNotFound, UploadState, UploadTaken
from longshore.ports.coordination import WakeUp
from longshore.ports.database import Database, Transaction
from longshore.ports.storage import ObjectKey, ObjectMissing, ObjectStore, Sealed
from longshore.services.projects import Projects
from longshore.services.uploads import Uploads, still_open

log = structlog.get_logger()

CONFIRM_GRACE = timedelta(minutes=5)
"""Bytes that arrived in time may be confirmed a little late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """An upload whose bytes came along with its request and lie in `incoming` already, `size` of them as the store
    counted, under a key that is not the upload's own: they may come before it is known what they are."""

    upload: Upload
    size: int
    spool: ObjectKey


class Confirming:
    def __init__(
        self,
        *,
        db: Database,
        objects: ObjectStore,
        uploads: Uploads,
        projects: Projects,
        wakeup: WakeUp,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._objects = objects
        self._uploads = uploads
        self._projects = projects
        self._wakeup = wakeup
        self._clock = clock
        self._ids = ids

    async def confirm(self, principal: Principal, upload_id: FileId, *, address: str | None = None) -> File:
        """The file that the upload became. Confirming again returns the same file.

        Raises UploadNotFound, NotYourUpload, UploadAborted, UploadExpired, BytesMissing, SizeMismatch, Upstream.
        """
        upload = await self._uploads.get(principal, upload_id, write=True)
        if upload.state is UploadState.CONFIRMED:
            return await self._confirmed(upload)
        now = self._clock.now()
        still_open(upload, now, CONFIRM_GRACE)
        try:
            sealed = await self._sealed(upload)
        except ObjectMissing as e:
            upload = await self._uploads.get(principal, upload_id, write=True)
            if upload.state is not UploadState.CONFIRMED:
                raise BytesMissing from e
            return await self._confirmed(upload)  # a twin of this request was faster
        visibility = await self._visibility(upload)
        file: File | None = None
        async with self._db.transaction() as tx:
            if await tx.uploads.end(upload.id, UploadState.CONFIRMED, now):
                file = await self._received(
                    tx, principal, upload, sealed.stored.size, sealed.seal, visibility, now, address
                )
        if file is None:
            # Somebody was faster: confirmed by a twin of this request, aborted, or swept.
            upload = await self._uploads.get(principal, upload_id, write=True)
            taken = await self._confirmed(upload) if upload.state is UploadState.CONFIRMED else None
            if taken is None or ObjectKey.sealed(taken.id, taken.seal) != sealed.key:
                await self._objects.delete(sealed.key)
            still_open(upload, now)
            return taken or await self._confirmed(upload)
        self._wakeup.ring(Queue.INSPECT)
        try:
            await self._objects.retire(ObjectKey.incoming(upload.id))
        except Problem as problem:
            # Nobody reads what lies there; the sweeper ends it.
            await log.awarning("upload.not-retired", upload_id=str(upload.id), reason=problem.detail)
        return file

    async def bring(
        self, principal: Principal, brought: Sequence[Brought], *, address: str | None = None
    ) -> Sequence[File]:
        """Files whose bytes came with the request: all become files, or none.

        Raises UploadTaken, TokenSpent, ObjectMissing, Upstream, DatabaseBusy; then `discard` what was brought.
        """
        now = self._clock.now()
        visibilities = [await self._visibility(one.upload) for one in brought]
        for one in brought:
            # Not sealed: there never was a link to the spool, so nobody has to be kept from writing to it again.
            await self._objects.move(one.spool, ObjectKey.sealed(one.upload.id, one.upload.seal))
        files: list[File] = []
        async with self._db.transaction() as tx:
            for one in brought:
                if await tx.uploads.get(one.upload.id) is not None or await tx.files.get(one.upload.id) is not None:
                    raise UploadTaken
            await _spend_token(tx, principal, len(brought))
            for one, visibility in zip(brought, visibilities, strict=True):
                await tx.uploads.add(replace(one.upload, state=UploadState.CONFIRMED, confirmed_at=now))
                upload = one.upload
                files.append(
                    await self._received(tx, principal, upload, one.size, upload.seal, visibility, now, address)
                )
        self._wakeup.ring(Queue.INSPECT)
        return files

    async def discard(self, brought: Brought) -> None:
        """Nothing of bytes that were brought but not accepted stays."""
        await self._objects.delete(brought.spool)
        await self._objects.delete(ObjectKey.sealed(brought.upload.id, brought.upload.seal))

    async def _sealed(self, upload: Upload) -> Sealed:
        source, target = ObjectKey.incoming(upload.id), ObjectKey.sealed(upload.id, upload.seal)
        arrived = await self._objects.head(source)
        if arrived is not None and not upload.size_min <= arrived.size <= upload.size_max:
            await self._objects.delete(source)
            raise SizeMismatch(size=arrived.size, announced=upload.size_max)
        return await self._objects.seal(source, target)

    async def _visibility(self, upload: Upload) -> Visibility:
        if upload.purpose.kind is None:
            return Visibility.PUBLIC
        try:
            return (await self._projects.kind(upload.project_id, upload.purpose.kind)).visibility
        except KindNotFound:
            # The kind went away while the bytes were on their way. Its rules are not known any more: show nobody.
            return Visibility.PRIVATE

    async def _received(
        self,
        tx: Transaction,
        principal: Principal,
        upload: Upload,
        size: int,
        seal: str,
        visibility: Visibility,
        now: datetime,
        address: str | None,
    ) -> File:
        """The rows of a file that has arrived: the file, its steps, its attachment, the event (and so the job)."""
        purpose = upload.purpose
        stored = _is_stored(principal.project, upload)
        file = await tx.files.add(
            File(
                id=upload.id,
                project_id=upload.project_id,
                state=FileState.CHECKING,
                name=upload.name,
                declared_type=upload.declared_type,
                size=size,
                seal=seal,
                purpose=purpose,
                visibility=visibility,
                read_token_hash=upload.read_token_hash,
                uploaded_at=now,
                stored_at=now if stored else None,
                expires_at=None if stored else now + TEMPORARY_LIFETIME,
            )
        )
        await tx.steps.put(
            [Step(file_id=file.id, name=name, state=StepState.WAITING, updated_at=now) for name in StepName]
        )
        if purpose.record is not None and purpose.kind is not None:
            await tx.attachments.add(
                upload.project_id, purpose.record, purpose.kind, purpose.position, file.id, file.uploaded_at
            )
        await tx.events.add(
            Event(
                id=EventId(self._ids.uuid7()),
                project_id=upload.project_id,
                kind=EventKind.FILE_RECEIVED,
                file_id=file.id,
                at=now,
            )
        )
        await tx.audit.add(
            AuditEntry(
                project_id=upload.project_id,
                at=now,
                actor=principal.actor,
                action="upload.confirmed",
                subject=str(upload.id),
                address=address,
            )
        )
        return file

    async def _confirmed(self, upload: Upload) -> File:
        async with self._db.reading() as tx:
            file = await tx.files.get(upload.id)
        if file is None:
            raise UploadNotFound
        return file


async def _spend_token(tx: Transaction, principal: Principal, count: int) -> None:
    if not isinstance(principal, UploadClient) or principal.max_files is None or principal.expires_at is None:
        return
    limit, expires_at = principal.max_files, principal.expires_at
    if not await tx.token_uses.take(principal.token_id, count, limit=limit, expires_at=expires_at):
        raise TokenSpent(f"This token allows {limit} files in all", limit=limit)


def _is_stored(project: Project, upload: Upload) -> bool:
    """Decision 14: a file with a record is stored at once; others as asked, or as the project says."""
    if upload.purpose.record is not None:
        return True
    return project.autostore if upload.store is None else upload.store
