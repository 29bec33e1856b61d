"""A PostgreSQL database for each test, and means to hold its locks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from longshore.adapters.sql.postgres import PostgresDatabase, PostgresSettings
from longshore.core.ids import RandomIds
from longshore.core.time import SystemClock
from tests.servers.postgres import Postgres

Make = Callable[..., PostgresDatabase]


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    url = postgres.database()
    yield url
    postgres.drop(url)


@pytest.fixture
def make(url: str) -> Make:
    """Makes a database object with short times; keywords are settings."""

    def build(**changes: object) -> PostgresDatabase:
        fields = {"url": url, "patience_s": 0.5, "lock_timeout_s": 0.3, "statement_timeout_s": 1.0, "connections": 4}
        return PostgresDatabase(PostgresSettings(**fields | changes), SystemClock(), RandomIds())  # pyright: ignore[reportArgumentType] -- tests name settings by words

    return build


@pytest.fixture
async def database(make: Make) -> AsyncIterator[PostgresDatabase]:
    opened = make()
    await opened.open()
    yield opened
    await opened.close()
