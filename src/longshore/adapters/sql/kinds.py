"""Kinds as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import bindparam, delete, select

from longshore.adapters.sql.statement import Row, Session, Statement, first, insert_for
from longshore.adapters.sql.tables import kinds
from longshore.adapters.sql.values import json, numbers, texts
from longshore.core.ids import ProjectId
from longshore.core.kind import Kind, ScanPolicy, Visibility
from longshore.core.time import MICROSECOND

_PLACE = (kinds.c.project_id, kinds.c.name)
_ALL = select(*kinds.columns)
_PUT = Statement(
    lambda dialect: (put := insert_for(dialect, kinds)).on_conflict_do_update(
        index_elements=_PLACE, set_={c.name: put.excluded[c.name] for c in kinds.columns if not c.primary_key}
    )
)
_GET = Statement(_ALL.where(kinds.c.project_id == bindparam("project_id"), kinds.c.name == bindparam("name")))
_LIST = Statement(_ALL.where(kinds.c.project_id == bindparam("project_id")).order_by(kinds.c.name).limit(1000))
_DELETE = Statement(
    delete(kinds).where(kinds.c.project_id == bindparam("project_id"), kinds.c.name == bindparam("name"))
)


def _kind(row: Row) -> Kind:
    (project_id, name, accept, sizes, visibility, scan, retention, managed_by_file) = row
    return Kind(
        project_id=ProjectId(project_id),
        name=name,
        accept=texts(accept),
        sizes=numbers(sizes),
        visibility=Visibility(visibility),
        scan=None if scan is None else ScanPolicy(scan),
        retention=None if retention is None else timedelta(microseconds=retention),
        managed_by_file=bool(managed_by_file),
    )


class SqlKinds:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def put(self, kind: Kind) -> None:
        await self._session.run(
            _PUT,
            {
                "project_id": kind.project_id,
                "name": kind.name,
                "accept": json(kind.accept),
                "sizes": json(dict(kind.sizes)),
                "visibility": kind.visibility.value,
                "scan": None if kind.scan is None else kind.scan.value,
                "retention": None if kind.retention is None else kind.retention // MICROSECOND,
                "managed_by_file": kind.managed_by_file,
            },
        )

    async def get(self, project_id: ProjectId, name: str) -> Kind | None:
        row = await first(self._session, _GET, {"project_id": project_id, "name": name})
        return _kind(row) if row else None

    async def list(self, project_id: ProjectId) -> Sequence[Kind]:
        return [_kind(row) for row in await self._session.rows(_LIST, {"project_id": project_id})]

    async def delete(self, project_id: ProjectId, name: str) -> bool:
        return await self._session.run(_DELETE, {"project_id": project_id, "name": name}) == 1
