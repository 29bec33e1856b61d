"""The audit trail as rows: written, and read newest first; never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, select

from longshore.adapters.sql.statement import Row, Session, Statement, at_most, delete_first, limit_value
from longshore.adapters.sql.tables import audit
from longshore.adapters.sql.values import words, words_json
from longshore.core.audit import AuditEntry
from longshore.core.ids import ProjectId
from longshore.core.time import from_micros, to_micros

_ENTRY = tuple(c for c in audit.columns if c.name != "id")
_INSERT = Statement(insert(audit).values({c.name: bindparam(c.name, type_=c.type) for c in _ENTRY}))
_LIST = Statement(
    select(*_ENTRY)
    .where(audit.c.project_id == bindparam("project_id"))
    .order_by(audit.c.id.desc())
    .limit(limit_value())
)
_PRUNE = delete_first(audit, audit.c.at < bindparam("before"))
COLUMNS = tuple(c.name for c in _ENTRY)


def audit_row(entry: AuditEntry) -> Row:
    """In the order of `COLUMNS`."""
    return (
        entry.project_id,
        to_micros(entry.at),
        entry.actor,
        entry.action,
        entry.subject,
        entry.address,
        words_json(entry.detail),
    )


def _entry(row: Row) -> AuditEntry:
    (project_id, at, actor, action, subject, address, detail) = row
    return AuditEntry(
        project_id=ProjectId(project_id),
        at=from_micros(at),
        actor=actor,
        action=action,
        subject=subject,
        address=address,
        detail=words(detail),
    )


class SqlAudit:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, entry: AuditEntry) -> None:
        await self._session.run(_INSERT, dict(zip(COLUMNS, audit_row(entry), strict=True)))

    async def list(self, project_id: ProjectId, limit: int) -> Sequence[AuditEntry]:
        rows = await self._session.rows(_LIST, {"project_id": project_id, "limit": at_most(limit)})
        return [_entry(row) for row in rows]

    async def prune(self, before: datetime, limit: int) -> int:
        return await self._session.run(_PRUNE, {"before": to_micros(before), "limit": at_most(limit)})
