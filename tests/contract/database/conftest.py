"""Every adapter that claims `ports.database`, opened on something empty. PostgreSQL will be one more entry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.ids import RandomIds
from longshore.core.project import Project
from longshore.core.time import SystemClock
from longshore.ports.database import Database
from tests.contract.database.nouns import a_project


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Database]:
    database = SqliteDatabase(SqliteSettings(path=folder / "longshore.db"), SystemClock(), RandomIds())
    await database.open()
    try:
        yield database
    finally:
        await database.close()


ADAPTERS: dict[str, Callable[[Path], AbstractAsyncContextManager[Database]]] = {"sqlite": _sqlite}


@pytest.fixture(params=list(ADAPTERS))
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
async def project(database: Database) -> Project:
    async with database.transaction() as tx:
        return await tx.projects.add(a_project())
