"""Projects as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select, update

from longshore.adapters.sql.statement import (
    MAX_ROWS,
    Row,
    Session,
    Statement,
    Violated,
    first,
    insert_for,
    set_from_values,
)
from longshore.adapters.sql.tables import projects
from longshore.core.ids import ProjectId
from longshore.core.project import Project, ProjectExists
from longshore.core.time import from_micros, to_micros

_ALL = select(*projects.columns)
_INSERT = Statement(
    lambda dialect: (
        insert_for(dialect, projects)
        .values({c.name: bindparam(c.name, type_=c.type) for c in projects.columns if c.name != "id"})
        .on_conflict_do_nothing()
        .returning(projects.c.id)
    )
)
_BY_ID = Statement(_ALL.where(projects.c.id == bindparam("id")))
_BY_NAME = Statement(_ALL.where(projects.c.name == bindparam("name")))
_BY_PUBLIC_KEY = Statement(_ALL.where(projects.c.public_key == bindparam("public_key")))
_LIST = Statement(_ALL.order_by(projects.c.name).limit(MAX_ROWS))
_UPDATE = Statement(
    update(projects)
    .where(projects.c.id == bindparam("by_id"))
    .values(set_from_values(projects, without=("id", "created_at")))
)


def _project(row: Row) -> Project:
    (ident, name, public_key, created_at, autostore, signed_uploads, browser_uploads, max_size) = row
    return Project(
        id=ProjectId(ident),
        name=name,
        public_key=public_key,
        created_at=from_micros(created_at),
        autostore=bool(autostore),
        signed_uploads=bool(signed_uploads),
        browser_uploads=bool(browser_uploads),
        max_size=max_size,
    )


class SqlProjects:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, project: Project) -> Project:
        row = await first(
            self._session,
            _INSERT,
            {
                "name": project.name,
                "public_key": project.public_key,
                "created_at": to_micros(project.created_at),
                "autostore": project.autostore,
                "signed_uploads": project.signed_uploads,
                "browser_uploads": project.browser_uploads,
                "max_size": project.max_size,
            },
        )
        if row is None:
            raise ProjectExists
        return replace(project, id=ProjectId(row[0]))

    async def get(self, project_id: ProjectId) -> Project | None:
        row = await first(self._session, _BY_ID, {"id": project_id})
        return _project(row) if row else None

    async def by_name(self, name: str) -> Project | None:
        row = await first(self._session, _BY_NAME, {"name": name})
        return _project(row) if row else None

    async def by_public_key(self, public_key: str) -> Project | None:
        row = await first(self._session, _BY_PUBLIC_KEY, {"public_key": public_key})
        return _project(row) if row else None

    async def save(self, project: Project) -> None:
        try:
            await self._session.run(
                _UPDATE,
                {
                    "by_id": project.id,
                    "new_name": project.name,
                    "new_public_key": project.public_key,
                    "new_autostore": project.autostore,
                    "new_signed_uploads": project.signed_uploads,
                    "new_browser_uploads": project.browser_uploads,
                    "new_max_size": project.max_size,
                },
            )
        except Violated as e:
            raise ProjectExists from e

    async def list(self) -> Sequence[Project]:
        return [_project(row) for row in await self._session.rows(_LIST)]
