"""A SQLite database in a folder of its own, and other processes that use the same file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.ids import RandomIds
from longshore.core.time import SystemClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "longshore.db"


@pytest.fixture
def settings(path: Path) -> SqliteSettings:
    return SqliteSettings(path=path, patience_s=0.3)


@pytest.fixture
def make(settings: SqliteSettings) -> Callable[[], SqliteDatabase]:
    return lambda: SqliteDatabase(settings, SystemClock(), RandomIds())


@pytest.fixture
async def database(make: Callable[[], SqliteDatabase]) -> AsyncIterator[SqliteDatabase]:
    opened = make()
    await opened.open()
    yield opened
    await opened.close()
