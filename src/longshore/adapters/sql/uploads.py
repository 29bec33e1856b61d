"""Uploads as rows. The hot insert goes through `Admissions`; the row it writes is made here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, insert, select, update

from longshore.adapters.sql.statement import Row, Session, Statement, at_most, delete_oldest, first, limit_value, word
from longshore.adapters.sql.tables import uploads
from longshore.adapters.sql.values import micros, moment, words, words_json
from longshore.core.ids import FileId, ProjectId
from longshore.core.time import from_micros, to_micros
from longshore.core.upload import Purpose, Record, Upload, UploadState

_ALL = select(*uploads.columns)
_OPEN = uploads.c.state == word(UploadState.OPEN)
_INSERT = Statement(insert(uploads))
_GET = Statement(_ALL.where(uploads.c.id == bindparam("id")))
_END = Statement(
    update(uploads)
    .where(uploads.c.id == bindparam("by_id"), _OPEN)
    .values(
        state=bindparam("new_state", type_=uploads.c.state.type),
        confirmed_at=bindparam("at", type_=uploads.c.confirmed_at.type),
    )
)
_OVERDUE = Statement(
    _ALL.where(_OPEN, uploads.c.expires_at < bindparam("now")).order_by(uploads.c.expires_at).limit(limit_value())
)
_PRUNE = delete_oldest(
    uploads,
    and_(uploads.c.state != word(UploadState.OPEN), uploads.c.expires_at < bindparam("before")),
    uploads.c.expires_at,
)
COLUMNS = tuple(c.name for c in uploads.columns)


def upload_row(upload: Upload) -> Row:
    """In the order of the table."""
    purpose = upload.purpose
    record = purpose.record
    return (
        str(upload.id),
        upload.project_id,
        upload.state.value,
        upload.name,
        upload.declared_type,
        upload.size_min,
        upload.size_max,
        purpose.kind,
        None if record is None else record.type,
        None if record is None else record.id,
        purpose.position,
        purpose.uploader,
        purpose.group,
        words_json(purpose.metadata),
        upload.store,
        upload.source,
        upload.seal,
        upload.write_token_hash,
        upload.read_token_hash,
        to_micros(upload.created_at),
        to_micros(upload.expires_at),
        micros(upload.confirmed_at),
    )


def purpose_of(values: Row) -> Purpose:
    """From the seven columns that uploads and files share."""
    (kind, record_type, record_id, position, uploader, group, metadata) = values
    return Purpose(
        kind=kind,
        record=None if record_type is None else Record(record_type, record_id),
        position=position,
        uploader=uploader,
        group=group,
        metadata=words(metadata),
    )


def _upload(row: Row) -> Upload:
    (ident, project_id, state, name, declared_type, size_min, size_max) = row[:7]
    (store, source, seal, write_token_hash, read_token_hash, created_at, expires_at, confirmed_at) = row[14:]
    return Upload(
        id=FileId(UUID(ident)),
        project_id=ProjectId(project_id),
        state=UploadState(state),
        name=name,
        declared_type=declared_type,
        size_min=size_min,
        size_max=size_max,
        purpose=purpose_of(row[7:14]),
        store=None if store is None else bool(store),
        source=source,
        seal=seal,
        write_token_hash=write_token_hash,
        read_token_hash=read_token_hash,
        created_at=from_micros(created_at),
        expires_at=from_micros(expires_at),
        confirmed_at=moment(confirmed_at),
    )


class SqlUploads:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, upload: Upload) -> None:
        await self._session.run(_INSERT, dict(zip(COLUMNS, upload_row(upload), strict=True)))

    async def get(self, upload_id: FileId) -> Upload | None:
        row = await first(self._session, _GET, {"id": str(upload_id)})
        return _upload(row) if row else None

    async def end(self, upload_id: FileId, state: UploadState, at: datetime) -> bool:
        confirmed_at = to_micros(at) if state is UploadState.CONFIRMED else None
        values = {"by_id": str(upload_id), "new_state": state.value, "at": confirmed_at}
        return await self._session.run(_END, values) == 1

    async def overdue(self, now: datetime, limit: int) -> Sequence[Upload]:
        rows = await self._session.rows(_OVERDUE, {"now": to_micros(now), "limit": at_most(limit)})
        return [_upload(row) for row in rows]

    async def prune(self, before: datetime, limit: int) -> int:
        return await self._session.run(_PRUNE, {"before": to_micros(before), "limit": at_most(limit)})
