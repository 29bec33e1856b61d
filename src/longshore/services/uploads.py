"""Uploads: requested, looked at, aborted. No file data passes here; it goes to storage by signed link.

REQUEST: check, one durable row, a signed way to send. It can be repeated, and a crash between any two steps leaves
something that a retry or the sweeper ends. Confirming is a story of its own (`services/confirming.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from longshore.core.audit import AuditEntry
from longshore.core.errors import Invalid, Problem, Unsupported
from longshore.core.ids import FileId, Ids
from longshore.core.kind import TypeNotAccepted, check_size
from longshore.core.names import clean
from longshore.core.principal import (
    GrantTooNarrow,
    Principal,
    Server,
    TokenHolder,
    UploadClient,
    Uploader,
)
from longshore.core.signing import derived_tokens, sha256_hex
from longshore.core.time import Clock
from longshore.core.upload import (
    LINK_LIFETIME,
    OPEN_LIFETIME,
    KeyReused,
    NotYourUpload,
    Purpose,
    Upload,
    UploadAborted,
    UploadConfirmed,
    UploadExpired,
    UploadNotFound,
    UploadState,
    bare_type,
    check_label,
    check_media_type,
    check_metadata,
)
from longshore.ports.database import Admission, Database, Repeat, RepeatTaken
from longshore.ports.secrets import SecretBox
from longshore.ports.storage import Constraints, LinkSigner, ObjectKey, ObjectStore, SignedForm, SignedRequest
from longshore.services.access import READ, WRITE
from longshore.services.asking import MAX_POSITION, NewUpload, PositionInvalid, SendBy, fingerprint_of, granted
from longshore.services.projects import Projects


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """An admitted upload, a way to send its bytes (None once it is not open any more), and its own two tokens."""

    upload: Upload
    send: SignedRequest | SignedForm | None
    write_token: str
    read_token: str


class SizeNeeded(Invalid):
    code = "size-needed"
    title = "A signed PUT of this store is for one exact size: give `size`, or ask to send by `post`"


class PostNotOffered(Unsupported):
    code = "post-not-offered"
    title = "The store behind this installation takes no forms: send by `put`"


NOBODY = FileId(UUID(int=0))


class Uploads:
    def __init__(
        self,
        *,
        db: Database,
        objects: ObjectStore,
        links: LinkSigner,
        projects: Projects,
        secrets: SecretBox,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._objects = objects
        self._links = links
        self._projects = projects
        self._clock = clock
        self._ids = ids
        self._token_key = secrets.key_for("upload-tokens")

    # -- REQUEST -------------------------------------------------------------------------------------------------------

    async def request(
        self,
        principal: Principal,
        wanted: Sequence[NewUpload],
        *,
        idempotency_key: str | None = None,
        address: str | None = None,
    ) -> Sequence[Requested | Problem]:
        """Admit uploads: an answer for each, in order; a refused one is its Problem and does not stop the others.

        With `idempotency_key` the same request may be repeated and is answered with the same uploads. Raises
        GrantTooNarrow, KeyReused, Throttled, DatabaseBusy for the request as a whole.
        """
        now = self._clock.now()
        fingerprint = fingerprint_of(principal, wanted) if idempotency_key else ""
        if idempotency_key:
            repeat = await self._repeat(principal, idempotency_key, fingerprint)
            if repeat is not None:
                return await self._again(principal, wanted, repeat)
        checked = [await self._checked(principal, new, now) for new in wanted]
        admitted = [item for item in checked if isinstance(item, Upload)]
        if admitted:
            await self._spend_token(principal, len(admitted))
            repeat = idempotency_key and Repeat(
                project_id=principal.project.id,
                key=idempotency_key,
                fingerprint=fingerprint,
                uploads=tuple(item.id if isinstance(item, Upload) else NOBODY for item in checked),
                created_at=now,
            )
            audit = [
                AuditEntry(
                    project_id=upload.project_id,
                    at=now,
                    actor=principal.actor,
                    action="upload.requested",
                    subject=str(upload.id),
                    address=address,
                )
                for upload in admitted
            ]
            try:
                await self._db.admit(Admission(uploads=admitted, audit=audit, repeat=repeat or None))
            except RepeatTaken:
                # Somebody sent the same key at the same moment and was faster: answer what is true now.
                taken = await self._repeat(principal, idempotency_key or "", fingerprint)
                if taken is None:
                    raise
                return await self._again(principal, wanted, taken)
        return [
            self._answer(item, new.send_by) if isinstance(item, Upload) else item
            for item, new in zip(checked, wanted, strict=True)
        ]

    async def _checked(self, principal: Principal, new: NewUpload, now: datetime) -> Upload | Problem:
        try:
            self._check_way(new.send_by, is_exact=new.size is not None)
            return await self.drafted(principal, new, now)
        except Problem as problem:
            return problem

    async def drafted(
        self, principal: Principal, new: NewUpload, now: datetime, *, upload_id: FileId | None = None
    ) -> Upload:
        """The row that `new` would become, with kind, limits and grant applied; nothing is written. Raises Problem.

        `upload_id` is for an API whose clients may choose it; whether it is free shows when the row is written.
        """
        new = granted(principal, new)
        name, declared = clean(new.name), check_media_type(new.type)
        for label in (new.uploader, new.group):
            if label is not None:
                check_label(label)
        if new.record is not None:
            check_label(new.record.type)
            check_label(new.record.id)
        if not 0 <= new.position <= MAX_POSITION:
            raise PositionInvalid
        check_metadata(new.metadata)
        limit = principal.project.max_size
        if isinstance(principal, Uploader) and principal.max_size is not None:
            limit = min(limit, principal.max_size)
        if new.kind is not None:
            kind = await self._projects.kind(principal.project, new.kind)
            limit = min(limit, kind.size_limit(new.group) or limit)
            if not kind.accepts(bare_type(declared)):
                raise TypeNotAccepted(
                    f"The kind {kind.name} accepts {', '.join(kind.accept)}, not {bare_type(declared)}", kind=kind.name
                )
        if new.size is not None:
            check_size(new.size, limit)
        size_max = new.size if new.size is not None else min(limit, new.max_size if new.max_size is not None else limit)
        upload_id = upload_id or FileId(self._ids.uuid4())
        write_token, read_token = self._tokens(upload_id)
        return Upload(
            id=upload_id,
            project_id=principal.project.id,
            state=UploadState.OPEN,
            name=name,
            declared_type=declared,
            size_min=new.size if new.size is not None else 0,
            size_max=size_max,
            purpose=Purpose(
                kind=new.kind,
                record=new.record,
                position=new.position,
                uploader=new.uploader,
                group=new.group,
                metadata=new.metadata,
            ),
            store=new.store,
            source=principal.actor if isinstance(principal, UploadClient) else "native",
            seal=self._ids.token(16),
            write_token_hash=sha256_hex(write_token),
            read_token_hash=sha256_hex(read_token),
            created_at=now,
            expires_at=now + OPEN_LIFETIME,
        )

    async def _repeat(self, principal: Principal, key: str, fingerprint: str) -> Repeat | None:
        async with self._db.reading() as tx:
            repeat = await tx.repeats.get(principal.project.id, key)
        if repeat is not None and repeat.fingerprint != fingerprint:
            raise KeyReused
        return repeat

    async def _again(
        self, principal: Principal, wanted: Sequence[NewUpload], repeat: Repeat
    ) -> Sequence[Requested | Problem]:
        """The same uploads with fresh links; what was refused is judged anew, admitting nothing."""
        answers: list[Requested | Problem] = []
        for upload_id, new in zip(repeat.uploads, wanted, strict=True):
            if upload_id == NOBODY:
                refused = await self._checked(principal, new, self._clock.now())
                answers.append(refused if isinstance(refused, Problem) else KeyReused())
                continue
            async with self._db.reading() as tx:
                upload = await tx.uploads.get(upload_id)
            answers.append(self._answer(upload, new.send_by) if upload else UploadNotFound())
        return answers

    async def _spend_token(self, principal: Principal, count: int) -> None:
        if not isinstance(principal, Uploader) or principal.max_files is None or principal.expires_at is None:
            return
        async with self._db.transaction() as tx:
            enough = await tx.token_uses.take(
                principal.token_id, count, limit=principal.max_files, expires_at=principal.expires_at
            )
        if not enough:
            raise GrantTooNarrow(f"This token allows {principal.max_files} files in all", limit=principal.max_files)

    def _answer(self, upload: Upload, send_by: SendBy) -> Requested:
        write_token, read_token = self._tokens(upload.id)
        return Requested(
            upload=upload,
            send=self._link(upload, send_by),
            write_token=write_token,
            read_token=read_token,
        )

    def _check_way(self, send_by: SendBy, *, is_exact: bool) -> None:
        if send_by is SendBy.POST and not self._links.abilities.post:
            raise PostNotOffered
        if send_by is SendBy.PUT and not is_exact and not self._links.abilities.ranged_put:
            raise SizeNeeded

    def _link(self, upload: Upload, send_by: SendBy) -> SignedRequest | SignedForm | None:
        if upload.state is not UploadState.OPEN:
            return None
        self._check_way(send_by, is_exact=upload.size_min == upload.size_max)
        constraints = Constraints(
            content_type=upload.declared_type,
            size_min=upload.size_min,
            size_max=upload.size_max,
            expires_at=min(self._clock.now() + LINK_LIFETIME, upload.expires_at),
        )
        key = ObjectKey.incoming(upload.id)
        return self._links.put(key, constraints) if send_by is SendBy.PUT else self._links.post(key, constraints)

    def _tokens(self, upload_id: FileId) -> tuple[str, str]:
        """The write token and the read token."""
        write, read = derived_tokens(self._token_key, str(upload_id))
        return WRITE + write, READ + read

    # -- looked at, aborted --------------------------------------------------------------------------------------------

    async def get(self, principal: Principal, upload_id: FileId, *, write: bool = False) -> Upload:
        """The upload, if `principal` may see it (with `write`: change it). Raises UploadNotFound, NotYourUpload."""
        async with self._db.reading() as tx:
            upload = await tx.uploads.get(upload_id)
        if upload is None or upload.project_id != principal.project.id:
            raise UploadNotFound
        match principal:
            case Server():
                return upload
            case TokenHolder() if principal.upload_id == upload_id and (principal.may_write or not write):
                return upload
            case Uploader() if principal.uploader == upload.purpose.uploader:
                return upload
            case _:
                raise NotYourUpload

    async def again(self, principal: Principal, upload_id: FileId, send_by: SendBy = SendBy.PUT) -> Requested:
        """An open upload with a freshly signed link. Raises UploadNotFound, NotYourUpload."""
        return self._answer(await self.get(principal, upload_id, write=True), send_by)

    async def abort(self, principal: Principal, upload_id: FileId) -> None:
        """Nothing of it stays. Safe to repeat. Raises UploadNotFound, NotYourUpload, UploadConfirmed, UploadExpired."""
        upload = await self.get(principal, upload_id, write=True)
        now = self._clock.now()
        async with self._db.transaction() as tx:
            ended = await tx.uploads.end(upload.id, UploadState.ABORTED, now)
            if ended:
                await tx.audit.add(
                    AuditEntry(
                        project_id=upload.project_id,
                        at=now,
                        actor=principal.actor,
                        action="upload.aborted",
                        subject=str(upload.id),
                    )
                )
        if not ended:
            upload = await self.get(principal, upload_id, write=True)
            if upload.state is UploadState.CONFIRMED:
                raise UploadConfirmed
        await self._objects.delete(ObjectKey.incoming(upload.id))
        # A confirmation that came too late may have moved the bytes already; after the line above, none can.
        await self._objects.delete(ObjectKey.sealed(upload.id, upload.seal))

    async def expire(self, limit: int = 100) -> int:
        """For the sweeper: end open uploads past their time and delete what they left. Answers how many."""
        now = self._clock.now()
        async with self._db.reading() as tx:
            overdue = await tx.uploads.overdue(now, limit)
        for upload in overdue:
            async with self._db.transaction() as tx:
                ended = await tx.uploads.end(upload.id, UploadState.EXPIRED, now)
            if ended:
                await self._objects.delete(ObjectKey.incoming(upload.id))
                await self._objects.delete(ObjectKey.sealed(upload.id, upload.seal))
        return len(overdue)


def still_open(upload: Upload, now: datetime, grace: timedelta = timedelta(0)) -> None:
    """Raises UploadAborted or UploadExpired unless the upload may still be confirmed."""
    if upload.state is UploadState.ABORTED:
        raise UploadAborted
    if upload.state is UploadState.EXPIRED or (upload.state is UploadState.OPEN and upload.expires_at + grace < now):
        raise UploadExpired
