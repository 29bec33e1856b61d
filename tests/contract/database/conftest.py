"""Every adapter that claims `ports.database`, opened on something empty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from longshore.adapters.sql.postgres import PostgresDatabase, PostgresSettings
from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.ids import RandomIds
from longshore.core.project import Project
from longshore.core.time import SystemClock
from longshore.ports.database import Database
from tests.contract.database.nouns import a_project
from tests.servers.postgres import Postgres


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.server)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        opened = SqliteDatabase(SqliteSettings(path=tmp_path / "longshore.db"), SystemClock(), RandomIds())
    else:
        server: Postgres = request.getfixturevalue("postgres")
        opened = PostgresDatabase(PostgresSettings(url=server.database()), SystemClock(), RandomIds())
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def project(database: Database) -> Project:
    async with database.transaction() as tx:
        return await tx.projects.add(a_project())
