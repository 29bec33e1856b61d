"""What an `Idempotency-Key` was used for, as rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from longshore.adapters.sql.statement import Row, Session, Statement, at_most, delete_oldest, first
from longshore.adapters.sql.tables import repeats
from longshore.adapters.sql.values import json, texts
from longshore.core.ids import FileId, ProjectId
from longshore.core.time import from_micros, to_micros
from longshore.ports.database import Repeat

_PLACE = (repeats.c.project_id == bindparam("project_id"), repeats.c.key == bindparam("key"))
_GET = Statement(select(*repeats.columns).where(*_PLACE))
_PRUNE = delete_oldest(repeats, repeats.c.created_at < bindparam("before"), repeats.c.created_at)
COLUMNS = tuple(c.name for c in repeats.columns)


def repeat_row(repeat: Repeat) -> Row:
    """In the order of the table."""
    return (
        repeat.project_id,
        repeat.key,
        repeat.fingerprint,
        json([str(upload) for upload in repeat.uploads]),
        to_micros(repeat.created_at),
    )


class SqlRepeats:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, project_id: ProjectId, key: str) -> Repeat | None:
        row = await first(self._session, _GET, {"project_id": project_id, "key": key})
        if row is None:
            return None
        (project, key, fingerprint, uploads, created_at) = row
        return Repeat(
            project_id=ProjectId(project),
            key=key,
            fingerprint=fingerprint,
            uploads=tuple(FileId(UUID(upload)) for upload in texts(uploads)),
            created_at=from_micros(created_at),
        )

    async def prune(self, before: datetime, limit: int) -> int:
        return await self._session.run(_PRUNE, {"before": to_micros(before), "limit": at_most(limit)})
