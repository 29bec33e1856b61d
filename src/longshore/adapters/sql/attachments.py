"""Attachments as rows: which file stood where, version by version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select

from longshore.adapters.sql.filerows import FILE, file_of
from longshore.adapters.sql.statement import MAX_ROWS, Row, Session, Statement, first, insert_for
from longshore.adapters.sql.tables import attachments, files
from longshore.core.attachment import Attachment
from longshore.core.file import File
from longshore.core.ids import FileId, ProjectId
from longshore.core.time import from_micros, to_micros
from longshore.core.upload import Record
from longshore.ports.database import DatabaseBusy

_RECORD = tuple(
    attachments.c[name] == bindparam(f"at_{name}") for name in ("project_id", "record_type", "record_id", "kind")
)
_GIVEN = tuple(bindparam(c.name, type_=c.type) for c in attachments.columns if c.name != "version")
_INSERT = Statement(
    lambda dialect: (
        insert_for(dialect, attachments)
        .from_select(
            [*(value.key for value in _GIVEN), "version"],
            select(*_GIVEN, func.coalesce(func.max(attachments.c.version), 0) + 1).where(
                *_RECORD, attachments.c.position == bindparam("at_position")
            ),
        )
        .on_conflict_do_nothing()
        .returning(attachments.c.version)
    )
)
_TRIES = 100
_OF_RECORD = Statement(
    select(*attachments.columns, *FILE)
    .join_from(attachments, files, files.c.id == attachments.c.file_id)
    .where(*_RECORD)
    .order_by(attachments.c.position, attachments.c.version.desc())
    .limit(MAX_ROWS)
)
_WIDTH = len(attachments.columns)


def _attachment(row: Row) -> Attachment:
    (project_id, record_type, record_id, kind, position, version, file_id, created_at) = row
    return Attachment(
        project_id=ProjectId(project_id),
        record=Record(record_type, record_id),
        kind=kind,
        position=position,
        version=version,
        file_id=FileId(UUID(file_id)),
        created_at=from_micros(created_at),
    )


class SqlAttachments:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(
        self, project_id: ProjectId, record: Record, kind: str, position: int, file_id: FileId, at: datetime
    ) -> Attachment:
        place = _place(project_id, record, kind) | {"position": position}
        values = place | {"file_id": str(file_id), "created_at": to_micros(at)}
        values |= {f"at_{name}": value for name, value in place.items()}
        for _ in range(_TRIES):
            row = await first(self._session, _INSERT, values)
            if row is not None:
                break
            # PostgreSQL: somebody else has taken this version, and we waited until that was certain. Look again.
        else:
            raise DatabaseBusy("Too many files race for one place")
        return Attachment(
            project_id=project_id,
            record=record,
            kind=kind,
            position=position,
            version=row[0],
            file_id=file_id,
            created_at=at,
        )

    async def of(self, project_id: ProjectId, record: Record, kind: str) -> Sequence[tuple[Attachment, File]]:
        values = {f"at_{name}": value for name, value in _place(project_id, record, kind).items()}
        rows = await self._session.rows(_OF_RECORD, values)
        return [(_attachment(row[:_WIDTH]), file_of(row[_WIDTH:])) for row in rows]


def _place(project_id: ProjectId, record: Record, kind: str) -> dict[str, object]:
    return {"project_id": project_id, "record_type": record.type, "record_id": record.id, "kind": kind}
