"""Secret keys as rows, sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from longshore.adapters.sql.statement import Row, Session, Statement, first
from longshore.adapters.sql.tables import keys
from longshore.adapters.sql.values import micros, moment
from longshore.core.ids import KeyId, ProjectId
from longshore.core.time import from_micros, to_micros
from longshore.ports.database import StoredKey

_ALL = select(*keys.columns)
_INSERT = Statement(
    insert(keys)
    .values({c.name: bindparam(c.name, type_=c.type) for c in keys.columns if c.name != "id"})
    .returning(keys.c.id)
)
_BY_DIGEST = Statement(_ALL.where(keys.c.digest == bindparam("digest"), keys.c.revoked_at.is_(None)))
_OF_PROJECT = Statement(_ALL.where(keys.c.project_id == bindparam("project_id")).order_by(keys.c.id.desc()).limit(1000))
_REVOKE = Statement(
    update(keys)
    .where(
        keys.c.id == bindparam("by_id"), keys.c.project_id == bindparam("by_project_id"), keys.c.revoked_at.is_(None)
    )
    .values(revoked_at=bindparam("at", type_=keys.c.revoked_at.type))
)


def _key(row: Row) -> StoredKey:
    (ident, project_id, sealed, digest, hint, created_at, revoked_at) = row
    return StoredKey(
        id=KeyId(ident),
        project_id=ProjectId(project_id),
        sealed=bytes(sealed),
        digest=digest,
        hint=hint,
        created_at=from_micros(created_at),
        revoked_at=moment(revoked_at),
    )


class SqlKeys:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, key: StoredKey) -> StoredKey:
        row = await first(
            self._session,
            _INSERT,
            {
                "project_id": key.project_id,
                "sealed": key.sealed,
                "digest": key.digest,
                "hint": key.hint,
                "created_at": to_micros(key.created_at),
                "revoked_at": micros(key.revoked_at),
            },
        )
        assert row is not None
        return replace(key, id=KeyId(row[0]))

    async def by_digest(self, digest: str) -> StoredKey | None:
        row = await first(self._session, _BY_DIGEST, {"digest": digest})
        return _key(row) if row else None

    async def of(self, project_id: ProjectId) -> Sequence[StoredKey]:
        return [_key(row) for row in await self._session.rows(_OF_PROJECT, {"project_id": project_id})]

    async def revoke(self, project_id: ProjectId, key_id: KeyId, at: datetime) -> bool:
        values = {"by_id": key_id, "by_project_id": project_id, "at": to_micros(at)}
        return await self._session.run(_REVOKE, values) == 1
