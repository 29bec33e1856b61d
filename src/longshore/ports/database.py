"""The truth: rows, and the transactions that change them.

Every method that changes state is compare-and-set and answers whether it won; nobody holds a lock across anything slow.
Every list is bounded. Times are aware UTC with microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from longshore.core.attachment import Attachment
from longshore.core.audit import AuditEntry
from longshore.core.errors import Busy, Invalid
from longshore.core.event import Event
from longshore.core.file import File, Step, Totals
from longshore.core.ids import EventId, FileId, JobId, KeyId, ProjectId, WebhookId
from longshore.core.job import Job, JobState, Queue
from longshore.core.kind import Kind
from longshore.core.project import Project
from longshore.core.upload import Record, Upload, UploadState
from longshore.core.webhook import Delivery, Webhook, WebhookEvent


class DatabaseBusy(Busy):
    """The database is locked, full of connections, or away. Nothing was changed; try again."""

    code = "database-busy"
    title = "The database is busy, try again shortly"


class Unstorable(Invalid):
    """A text or number that the database has no way to keep (PostgreSQL has no NUL in texts). Nothing was changed."""

    code = "value-unstorable"
    title = "It holds a character or number that cannot be stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A secret key as it lies in the database: `sealed` is encrypted, `digest` the SHA-256 hex that finds it."""

    id: KeyId
    project_id: ProjectId
    sealed: bytes
    digest: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None


class Projects(Protocol):
    async def add(self, project: Project) -> Project:
        """`id` is ignored and assigned. Raises ProjectExists for a name or public key in use."""
        ...

    async def get(self, project_id: ProjectId) -> Project | None: ...

    async def by_name(self, name: str) -> Project | None: ...

    async def by_public_key(self, public_key: str) -> Project | None: ...

    async def save(self, project: Project) -> None: ...

    async def list(self) -> Sequence[Project]:
        """By name, at most 10,000."""
        ...


class Keys(Protocol):
    async def add(self, key: StoredKey) -> StoredKey:
        """`id` is ignored and assigned."""
        ...

    async def by_digest(self, digest: str) -> StoredKey | None:
        """Active keys only."""
        ...

    async def of(self, project_id: ProjectId) -> Sequence[StoredKey]:
        """All, newest first, revoked ones too; at most 1,000."""
        ...

    async def revoke(self, project_id: ProjectId, key_id: KeyId, at: datetime) -> bool: ...


class Kinds(Protocol):
    async def put(self, kind: Kind) -> None:
        """Insert or replace."""
        ...

    async def get(self, project_id: ProjectId, name: str) -> Kind | None: ...

    async def list(self, project_id: ProjectId) -> Sequence[Kind]:
        """By name, at most 1,000."""
        ...

    async def delete(self, project_id: ProjectId, name: str) -> bool: ...


class Uploads(Protocol):
    """Uploads are added by `Admissions` (or `add`, for the APIs that bring bytes along)."""

    async def add(self, upload: Upload) -> None: ...

    async def get(self, upload_id: FileId) -> Upload | None: ...

    async def end(self, upload_id: FileId, state: UploadState, at: datetime) -> bool:
        """From open to `state` (for confirmed, `at` becomes `confirmed_at`). False when it was not open any more."""
        ...

    async def overdue(self, now: datetime, limit: int) -> Sequence[Upload]:
        """Open ones with `expires_at` before `now`, oldest first."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget ended ones with `expires_at` before `before`. Answers how many went."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileQuery:
    """Files of one project in the order of `uploaded_at`, as the REST API lists them: those in checking, ready or
    removed, never refused ones. `after` and `before` are exclusive bounds in time, whatever the direction."""

    project_id: ProjectId
    removed: bool = False
    stored: bool | None = None
    descending: bool = False
    after: datetime | None = None
    before: datetime | None = None
    offset: int = 0
    limit: int = 100


class Files(Protocol):
    async def add(self, file: File) -> File:
        """Insert; `uploaded_at` is moved on by microseconds when the project has that moment or a later one already,
        so that it is unique and grows (decision 21). Counts it in the project's totals."""
        ...

    async def get(self, file_id: FileId) -> File | None: ...

    async def save(self, file: File) -> bool:
        """Replace the row whose version is `file.version`; the stored version is one more. False when it was another.
        Keeps the totals right."""
        ...

    async def list(self, query: FileQuery) -> Sequence[File]:
        """For `descending`, latest first."""
        ...

    async def count(self, query: FileQuery) -> int:
        """How many files the query describes without `after`, `before`, `offset` and `limit`. From counter rows."""
        ...

    async def totals(self, project_id: ProjectId) -> Totals:
        """From counter rows."""
        ...

    async def expired(self, now: datetime, limit: int) -> Sequence[File]:
        """Ready ones whose `expires_at` has passed."""
        ...

    async def purgeable(self, now: datetime, limit: int) -> Sequence[File]:
        """Removed, quarantined, rejected and held ones whose `purge_at` has passed and `purged_at` is not set."""
        ...


class Steps(Protocol):
    async def put(self, steps: Sequence[Step]) -> None:
        """Insert or replace by (file, name)."""
        ...

    async def of(self, file_id: FileId) -> Sequence[Step]:
        """In the order of `StepName`."""
        ...


class Attachments(Protocol):
    async def add(
        self, project_id: ProjectId, record: Record, kind: str, position: int, file_id: FileId, at: datetime
    ) -> Attachment:
        """A new version at that place: one more than the highest there."""
        ...

    async def of(self, project_id: ProjectId, record: Record, kind: str) -> Sequence[tuple[Attachment, File]]:
        """All positions and versions with their files, by position, then newest version first; at most 10,000."""
        ...


class Events(Protocol):
    async def add(self, event: Event) -> None:
        """Store the event and one job for each kind that `core.event.ROUTES` names, due at once, its subject the file's
        id and its payload `{"event": <event id>}`."""
        ...

    async def get(self, event_id: EventId) -> Event | None: ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget those from before `before` among the `limit` oldest. Answers how many went."""
        ...


class Jobs(Protocol):
    """The ledger. Times of leases are the database's own clock (decision 24)."""

    async def add(self, jobs: Sequence[Job]) -> None: ...

    async def get(self, job_id: JobId) -> Job | None: ...

    async def claim(self, owner: str, queues: Sequence[Queue], *, limit: int, lease: timedelta) -> Sequence[Job]:
        """Take up to `limit` due jobs, oldest due first, in one statement: due = waiting, `due_at` passed, and no lease
        or one that has run out. Each has `attempt` one more than before and is leased to `owner`."""
        ...

    async def extend(self, job: Job, lease: timedelta) -> bool:
        """False when the lease was lost."""
        ...

    async def complete(self, job: Job, at: datetime) -> bool:
        """Done, if `job.lease_owner` still holds it and `job.attempt` is still the present one."""
        ...

    async def postpone(self, job: Job, *, due_at: datetime, error: str, count: bool = True) -> bool:
        """Give the lease back; tried again at `due_at`. With `count` False this attempt is not held against it."""
        ...

    async def bury(self, job: Job, *, error: str, at: datetime) -> bool:
        """Dead: nobody tries again until somebody asks for it."""
        ...

    async def revive(self, job_id: JobId) -> bool:
        """A dead job becomes due at once with its attempts forgotten."""
        ...

    async def release_all(self) -> int:
        """Give back every lease, and answer how many there were. Only for one who knows that nobody else is working:
        the embedded mode at its start, after a predecessor that was killed."""
        ...

    async def list(self, state: JobState | None, limit: int) -> Sequence[Job]:
        """Newest first."""
        ...

    async def count(self) -> dict[JobState, int]: ...

    async def next_due(self) -> datetime | None:
        """When the earliest waiting, unleased job is due."""
        ...

    async def prune(
        self, before: datetime, limit: int, *, state: Literal[JobState.DONE, JobState.DEAD] = JobState.DONE
    ) -> int:
        """Forget done (or dead) jobs finished before `before`. Answers how many went."""
        ...


class Webhooks(Protocol):
    async def add(self, webhook: Webhook) -> Webhook:
        """`id` is ignored and assigned. Raises WebhookExists for the same project, URL and event."""
        ...

    async def get(self, webhook_id: WebhookId) -> Webhook | None: ...

    async def of(self, project_id: ProjectId) -> Sequence[Webhook]:
        """Newest first, at most 1,000."""
        ...

    async def for_event(self, project_id: ProjectId, event: WebhookEvent) -> Sequence[Webhook]:
        """Active ones."""
        ...

    async def save(self, webhook: Webhook) -> bool:
        """Raises WebhookExists."""
        ...

    async def delete(self, project_id: ProjectId, webhook_id: WebhookId) -> bool: ...

    async def log(self, delivery: Delivery) -> None: ...

    async def deliveries(self, webhook_id: WebhookId, limit: int) -> Sequence[Delivery]:
        """Newest first."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget the deliveries from before `before` among the `limit` oldest. Answers how many went."""
        ...


class Audit(Protocol):
    async def add(self, entry: AuditEntry) -> None: ...

    async def list(self, project_id: ProjectId, limit: int) -> Sequence[AuditEntry]:
        """Newest first."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget those from before `before` among the `limit` oldest. Answers how many went."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """What an `Idempotency-Key` was used for: a fingerprint of the request, and the uploads it made, in order."""

    project_id: ProjectId
    key: str
    fingerprint: str
    uploads: tuple[FileId, ...]
    created_at: datetime


class Repeats(Protocol):
    async def get(self, project_id: ProjectId, key: str) -> Repeat | None: ...

    async def prune(self, before: datetime, limit: int) -> int: ...


class TokenUses(Protocol):
    """How many files an upload token with a limit has been used for."""

    async def take(self, token_id: str, count: int, *, limit: int, expires_at: datetime) -> bool:
        """Count `count` more; False, and nothing counted, when that would be more than `limit`."""
        ...

    async def prune(self, now: datetime, limit: int) -> int: ...


class Transaction(Protocol):
    """One transaction's view. Usable inside its `async with` only."""

    @property
    def projects(self) -> Projects: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def kinds(self) -> Kinds: ...
    @property
    def uploads(self) -> Uploads: ...
    @property
    def files(self) -> Files: ...
    @property
    def steps(self) -> Steps: ...
    @property
    def attachments(self) -> Attachments: ...
    @property
    def events(self) -> Events: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def webhooks(self) -> Webhooks: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def repeats(self) -> Repeats: ...
    @property
    def token_uses(self) -> TokenUses: ...


class RepeatTaken(Busy):
    """Somebody used the same `Idempotency-Key` at the same moment: read it again and answer what is true."""

    code = "idempotency-key-taken"
    title = "The same Idempotency-Key is being used right now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The rows of one request for uploads: all of them or none."""

    uploads: Sequence[Upload]
    audit: Sequence[AuditEntry]
    repeat: Repeat | None = None


class Database(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits at the end, durably; rolls back on an exception, a cancellation included. Nothing with a network
        inside. Raises DatabaseBusy."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """For reads only: a consistent snapshot that waits for no writer. Raises DatabaseBusy."""
        ...

    async def admit(self, admission: Admission) -> None:
        """The one hot write: the rows of many concurrent requests share one transaction. Durable when this returns.

        A bad admission fails alone; a cancelled caller changes nothing for others. Raises RepeatTaken, DatabaseBusy.
        """
        ...

    async def check(self) -> str:
        """One readable line on what this is and which schema it has. Raises DatabaseBusy."""
        ...
