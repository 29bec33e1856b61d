"""Projects with their keys and kinds: made, listed, and looked up quickly by those who call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from longshore.core.audit import AuditEntry
from longshore.core.ids import Ids, KeyId, ProjectId
from longshore.core.kind import Kind, KindManagedByFile, KindNotFound, check_kind
from longshore.core.project import KeyNotFound, Project, ProjectNotFound, SecretKey, check_project_name
from longshore.core.signing import sha256_hex
from longshore.core.time import Clock
from longshore.ports.database import Database, StoredKey
from longshore.ports.secrets import SecretBox

K = TypeVar("K")
V = TypeVar("V")

CACHE_LIFETIME = timedelta(seconds=1)
"""How long a looked-up key, project or kind is believed: a revoked key stops working within 2 s (decision 5)."""


class TimedCache(Generic[K, V]):
    """Remembers answers for a moment; bounded by forgetting everything when it is full."""

    def __init__(self, clock: Clock, lifetime: timedelta, bound: int = 10_000) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._bound = bound
        self._entries: dict[K, tuple[datetime, V]] = {}

    def get(self, key: K) -> V | None:
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] > self._clock.now() else None

    def put(self, key: K, value: V) -> V:
        if len(self._entries) >= self._bound:
            self._entries.clear()
        self._entries[key] = (self._clock.now() + self._lifetime, value)
        return value

    def forget(self, key: K) -> None:
        self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """`public_key` and `secret_key` are made up when absent."""

    name: str
    public_key: str | None = None
    secret_key: str | None = None


class Projects:
    def __init__(self, db: Database, secrets: SecretBox, clock: Clock, ids: Ids) -> None:
        self._db = db
        self._secrets = secrets
        self._clock = clock
        self._ids = ids
        self._by_public_key = TimedCache[str, Project](clock, CACHE_LIFETIME)
        self._by_secret = TimedCache[str, tuple[Project, KeyId]](clock, CACHE_LIFETIME)
        self._secrets_of = TimedCache[ProjectId, Sequence[SecretKey]](clock, CACHE_LIFETIME)
        self._kinds = TimedCache[tuple[ProjectId, str], Kind](clock, CACHE_LIFETIME)
        self._by_id = TimedCache[ProjectId, Project](clock, CACHE_LIFETIME)

    # -- made and shown ------------------------------------------------------------------------------------------------

    async def create(self, new: NewProject) -> tuple[Project, SecretKey]:
        """A project with its first secret key. Raises BadProjectName, ProjectExists."""
        check_project_name(new.name)
        now = self._clock.now()
        async with self._db.transaction() as tx:
            project = await tx.projects.add(
                Project(
                    id=ProjectId(0),
                    name=new.name,
                    public_key=new.public_key or self._ids.uuid4().hex[:20],
                    created_at=now,
                )
            )
            stored, key = self._sealed(project.id, now, new.secret_key)
            stored = await tx.keys.add(stored)
            await tx.audit.add(
                AuditEntry(project_id=project.id, at=now, actor="cli", action="project.created", subject=project.name)
            )
        return project, replace(key, id=stored.id)

    async def list(self) -> Sequence[Project]:
        async with self._db.reading() as tx:
            return await tx.projects.list()

    async def by_name(self, name: str) -> Project:
        """Raises ProjectNotFound."""
        async with self._db.reading() as tx:
            project = await tx.projects.by_name(name)
        if project is None:
            raise ProjectNotFound(f"There is no project called {name!r}")
        return project

    async def by_id(self, project_id: ProjectId) -> Project:
        """Raises ProjectNotFound."""
        if known := self._by_id.get(project_id):
            return known
        async with self._db.reading() as tx:
            project = await tx.projects.get(project_id)
        if project is None:
            raise ProjectNotFound
        return self._by_id.put(project_id, project)

    async def save(self, project: Project) -> None:
        """Store changed settings."""
        async with self._db.transaction() as tx:
            await tx.projects.save(project)
        self._by_public_key.clear()
        self._by_secret.clear()
        self._by_id.clear()

    async def audit(self, project: Project, limit: int) -> Sequence[AuditEntry]:
        """Newest first."""
        async with self._db.reading() as tx:
            return await tx.audit.list(project.id, limit)

    # -- keys ----------------------------------------------------------------------------------------------------------

    async def create_key(self, project: Project) -> SecretKey:
        now = self._clock.now()
        stored, key = self._sealed(project.id, now)
        async with self._db.transaction() as tx:
            stored = await tx.keys.add(stored)
            await tx.audit.add(
                AuditEntry(project_id=project.id, at=now, actor="cli", action="key.created", subject=str(stored.id))
            )
        self._secrets_of.forget(project.id)
        return replace(key, id=stored.id)

    async def keys(self, project: Project) -> Sequence[SecretKey]:
        """All, newest first, revoked ones too, in the clear. Raises SecretUnreadable."""
        async with self._db.reading() as tx:
            return [self._opened(key) for key in await tx.keys.of(project.id)]

    async def revoke_key(self, project: Project, key_id: KeyId) -> None:
        """Raises KeyNotFound."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            if not await tx.keys.revoke(project.id, key_id, now):
                raise KeyNotFound
            await tx.audit.add(
                AuditEntry(project_id=project.id, at=now, actor="cli", action="key.revoked", subject=str(key_id))
            )
        self._by_secret.clear()
        self._secrets_of.forget(project.id)

    # -- looked up by callers ------------------------------------------------------------------------------------------

    async def by_public_key(self, public_key: str) -> Project | None:
        if known := self._by_public_key.get(public_key):
            return known
        async with self._db.reading() as tx:
            project = await tx.projects.by_public_key(public_key)
        return self._by_public_key.put(public_key, project) if project else None

    async def by_secret(self, secret: str) -> tuple[Project, KeyId] | None:
        """The project that an active secret key opens."""
        digest = sha256_hex(secret)
        if known := self._by_secret.get(digest):
            return known
        async with self._db.reading() as tx:
            key = await tx.keys.by_digest(digest)
            project = await tx.projects.get(key.project_id) if key else None
        if key is None or project is None:
            return None
        return self._by_secret.put(digest, (project, key.id))

    async def secrets(self, project: Project) -> Sequence[SecretKey]:
        """Active keys in the clear, for checking signatures. Raises SecretUnreadable."""
        known = self._secrets_of.get(project.id)
        if known is not None:
            return known
        active = [key for key in await self.keys(project) if key.revoked_at is None]
        return self._secrets_of.put(project.id, active)

    # -- kinds ---------------------------------------------------------------------------------------------------------

    async def kind(self, project: Project | ProjectId, name: str) -> Kind:
        """Raises KindNotFound."""
        project_id = project.id if isinstance(project, Project) else project
        if known := self._kinds.get((project_id, name)):
            return known
        async with self._db.reading() as tx:
            kind = await tx.kinds.get(project_id, name)
        if kind is None:
            raise KindNotFound(f"There is no kind called {name[:80]!r} in this project", kind=name[:80])
        return self._kinds.put((project_id, name), kind)

    async def kinds(self, project: Project) -> Sequence[Kind]:
        async with self._db.reading() as tx:
            return await tx.kinds.list(project.id)

    async def put_kind(self, kind: Kind) -> Kind:
        """From the API. Raises BadKind, KindManagedByFile."""
        check_kind(kind)
        async with self._db.transaction() as tx:
            present = await tx.kinds.get(kind.project_id, kind.name)
            if present is not None and present.managed_by_file:
                raise KindManagedByFile
            await tx.kinds.put(kind)
        self._kinds.clear()
        return kind

    async def delete_kind(self, project: Project, name: str) -> None:
        """From the API. Raises KindNotFound, KindManagedByFile."""
        async with self._db.transaction() as tx:
            present = await tx.kinds.get(project.id, name)
            if present is None:
                raise KindNotFound
            if present.managed_by_file:
                raise KindManagedByFile
            await tx.kinds.delete(project.id, name)
        self._kinds.clear()

    async def apply_kinds(self, project: Project, kinds: Sequence[Kind]) -> None:
        """From a TOML file: these become the file-managed kinds, others that were managed go. Raises BadKind."""
        for kind in kinds:
            check_kind(kind)
        names = {kind.name for kind in kinds}
        async with self._db.transaction() as tx:
            for present in await tx.kinds.list(project.id):
                if present.managed_by_file and present.name not in names:
                    await tx.kinds.delete(project.id, present.name)
            for kind in kinds:
                await tx.kinds.put(replace(kind, project_id=project.id, managed_by_file=True))
        self._kinds.clear()

    # ------------------------------------------------------------------------------------------------------------------

    def _sealed(self, project_id: ProjectId, now: datetime, given: str | None = None) -> tuple[StoredKey, SecretKey]:
        secret = given or f"ls_{self._ids.token(24)}"
        hint = f"{secret[:5]}…{secret[-3:]}"
        stored = StoredKey(
            id=KeyId(0),
            project_id=project_id,
            sealed=self._secrets.encrypt(secret),
            digest=sha256_hex(secret),
            hint=hint,
            created_at=now,
            revoked_at=None,
        )
        return stored, self._opened(stored)

    def _opened(self, key: StoredKey) -> SecretKey:
        return SecretKey(
            id=key.id,
            project_id=key.project_id,
            secret=self._secrets.decrypt(key.sealed),
            hint=key.hint,
            created_at=key.created_at,
            revoked_at=key.revoked_at,
        )
