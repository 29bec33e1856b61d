"""The same revisions on PostgreSQL: what they make, by how many at once, and what old code finds."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from longshore.adapters.sql.migrate import HEAD, REVISIONS, upgrade
from longshore.adapters.sql.postgres import PostgresDatabase, PostgresSettings
from longshore.adapters.sql.statement import Dialect
from longshore.adapters.sql.tables import metadata
from longshore.core.ids import RandomIds
from longshore.core.time import SystemClock
from longshore.ports.database import DatabaseBusy
from tests.contract.database.nouns import a_project
from tests.integration.additive import breakages, schema_of
from tests.integration.postgres.conftest import Make
from tests.integration.sqlite.test_schema import STATEMENTS
from tests.servers.postgres import Postgres


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    url = postgres.empty_database()
    yield url
    postgres.drop(url)


def _database(url: str, **settings: float) -> PostgresDatabase:
    return PostgresDatabase(PostgresSettings(url=url, **settings), SystemClock(), RandomIds())  # pyright: ignore[reportArgumentType] -- numbers only


async def test_many_that_start_together_migrate_once(empty: str) -> None:
    changed = await asyncio.gather(*(_database(empty).migrate() for _ in range(4)))

    assert sorted(changed) == [False, False, False, True]
    with psycopg.connect(empty) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


async def test_a_migration_that_somebody_hangs_in_is_not_waited_for_for_ever(empty: str) -> None:
    with psycopg.connect(empty) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (0x6C6F6E6773686F72,))
        with pytest.raises(DatabaseBusy):
            await _database(empty, migration_s=0.2).migrate()
    assert await _database(empty).migrate()


def test_every_migration_only_adds(empty: str) -> None:
    engine = sa.create_engine(empty.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    before = None
    for revision in REVISIONS:
        with engine.begin() as connection:
            upgrade(connection, revision)
            after = schema_of(connection)
            assert before is None or list(breakages(before, after)) == []
            before = after


def test_the_migrated_schema_is_what_the_tables_say(url: str) -> None:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
        assert compare_metadata(context, metadata) == []
        conditions = connection.exec_driver_sql(
            "SELECT indexrelid::regclass::text, pg_get_expr(indpred, indrelid) FROM pg_index WHERE indpred IS NOT NULL"
        ).all()
    partial = {
        index.name: str(index.dialect_options["postgresql"]["where"])
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["postgresql"]["where"] is not None
    }
    assert {name: _words(condition) for name, condition in conditions} == {
        name: _words(condition) for name, condition in partial.items()
    }


def _words(condition: str) -> str:
    return re.sub(r"::[a-z ]+|[() ]", "", condition)


async def test_a_schema_of_a_newer_release_is_used_as_it_is(make: Make, url: str) -> None:
    with psycopg.connect(url) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.execute("ALTER TABLE projects ADD COLUMN newer TEXT")
    database = make()
    await database.open()
    async with database.transaction() as tx:
        assert await tx.projects.add(a_project()) == await tx.projects.by_name("demo")
    assert "schema 9999" in await database.check()
    await database.close()


#: Reads all of a small table, or counts; a job's state and a project's name are asked by people.
WHOLE = {"projects._LIST", "jobs._COUNT", "jobs._RELEASE_ALL"}


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_can_be_planned_with_an_index(url: str, name: str) -> None:
    """With scans of whole tables made dear, as they are when tables are large."""
    numbers = itertools.count(1)
    asked = re.sub(r"%\(\w+\)s", lambda _: f"${next(numbers)}", STATEMENTS[name].compiled(Dialect.POSTGRESQL).sql)
    nulls = ", ".join(["NULL"] * (next(numbers) - 1))
    with psycopg.connect(url) as db:
        db.execute("SET enable_seqscan = off")
        db.execute("SET plan_cache_mode = force_generic_plan")
        db.execute(f"PREPARE asked AS {asked}".encode())
        explain = f"EXPLAIN EXECUTE asked({nulls})" if nulls else "EXPLAIN EXECUTE asked"
        plan = "\n".join(row[0] for row in db.execute(explain.encode()))

    if name not in WHOLE:
        assert "Seq Scan" not in plan, plan
