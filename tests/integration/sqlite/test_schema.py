"""Migrations, pragmas, and an index for every query."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import longshore.adapters.sql as package
from longshore.adapters.sql import files, jobs
from longshore.adapters.sql.connection import connect
from longshore.adapters.sql.migrate import HEAD, MIGRATIONS, REVISIONS
from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.adapters.sql.statement import Dialect, Statement
from longshore.adapters.sql.tables import metadata
from longshore.core.ids import RandomIds
from longshore.core.job import JobState, Queue
from longshore.core.time import SystemClock
from tests.contract.database.nouns import a_job, a_project


def _revisions() -> list[str]:
    return [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]


def test_the_revisions_are_those_of_the_files() -> None:
    assert list(REVISIONS) == _revisions()
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


async def test_the_migrated_schema_is_what_the_tables_say(database: SqliteDatabase, path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []
    with contextlib.closing(sqlite3.connect(path)) as db, contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        engine = sqlalchemy.create_engine("sqlite://", creator=lambda: fresh, poolclass=sqlalchemy.StaticPool)
        metadata.create_all(engine)
        assert _schema(db) == _schema(fresh)


def _schema(db: sqlite3.Connection) -> dict[str, list[str]]:
    """What comparison by Alembic leaves out: conditions of indexes, autoincrement. By name, the parts in any order."""
    rows = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%alembic%'")
    return {name: sorted(line.strip(" ,") for line in sql.splitlines()) for name, sql in rows}


async def test_opening_again_migrates_nothing_and_keeps_everything(make: Callable[[], SqliteDatabase]) -> None:
    first = make()
    assert await first.migrate()
    await first.open()
    async with first.transaction() as tx:
        project = await tx.projects.add(a_project())
    await first.close()

    second = make()
    assert not await second.migrate()
    await second.open()
    async with second.reading() as tx:
        assert await tx.projects.get(project.id) == project
    await second.close()


async def test_two_that_start_together_migrate_once(path: Path) -> None:
    databases = [SqliteDatabase(SqliteSettings(path=path), SystemClock(), RandomIds()) for _ in range(2)]
    changed = await asyncio.gather(*(database.migrate() for database in databases))

    assert sorted(changed) == [False, True]


async def test_a_schema_of_a_newer_release_is_used_as_it_is(make: Callable[[], SqliteDatabase], path: Path) -> None:
    """Changes are additive first, so the release before runs on the schema after."""
    database = make()
    await database.migrate()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.execute("ALTER TABLE projects ADD COLUMN newer TEXT")
        db.commit()

    await database.open()
    async with database.transaction() as tx:
        assert await tx.projects.add(a_project()) == await tx.projects.by_name("demo")
    assert "9999" in await database.check()
    await database.close()


async def test_a_start_without_migration_does_not_import_alembic(database: SqliteDatabase, path: Path) -> None:
    """Its import alone takes longer than the whole start otherwise."""
    code = """if True:
        import asyncio, sys
        from pathlib import Path
        from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
        from longshore.core.ids import RandomIds
        from longshore.core.time import SystemClock
        async def main():
            database = SqliteDatabase(SqliteSettings(path=Path(sys.argv[1])), SystemClock(), RandomIds())
            await database.open()
            print(await database.check())
            await database.close()
        asyncio.run(main())
        sys.exit("alembic" in sys.modules)
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        str(path),
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert HEAD in out.decode()


def test_a_connection_is_durable_and_keeps_foreign_keys(path: Path) -> None:
    with contextlib.closing(connect(path, busy_timeout=timedelta(seconds=1))) as db:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
        assert [db.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas] == ["wal", 2, 1, 1000, 0]
    with contextlib.closing(connect(path, busy_timeout=timedelta(seconds=1), read_only=True)) as db:
        assert db.execute("PRAGMA query_only").fetchone() == (1,)


def _statements() -> Iterator[tuple[str, Statement]]:
    for module_info in iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{module_info.name}")
        for name, value in vars(module).items():
            if isinstance(value, Statement):
                yield f"{module_info.name}.{name}", value
    for key, statement in files._lists().items():
        yield f"files.list{key}", statement
    for state, statement in jobs._PRUNE.items():
        yield f"jobs._PRUNE[{state}]", statement
    for number in range(1, len(Queue) + 1):
        yield f"jobs.claim({number})", jobs._claim(number)
    yield "jobs.newest(all)", jobs._newest(tuple(JobState))
    yield "jobs.newest(one)", jobs._newest((JobState.DEAD,))
    yield "jobs.next_due", jobs._next_due()


STATEMENTS = dict(_statements())
#: Reads everything of a small table, or counts along an index: asked by people, never by a request of many.
WHOLE = {
    "projects._LIST": "SCAN projects USING INDEX",
    "jobs._COUNT": "SCAN jobs USING COVERING INDEX",
    # Begin at the first row and end at the limit.
    "audit._PRUNE": "SCAN audit",
    "webhooks._PRUNE": "SCAN deliveries",
    "events._PRUNE": "SCAN events USING COVERING INDEX",
}
#: Sorts a few rows: those of one record, a project's webhooks, or what a claim or a list has found by index before.
SORTED = {
    "attachments._OF_RECORD",
    "webhooks._OF_PROJECT",
    "webhooks._FOR_EVENT",
    *(name for name in STATEMENTS if re.match(r"jobs\.(claim|newest)", name)),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_every_query_has_an_index(database: SqliteDatabase, path: Path, name: str) -> None:
    compiled = STATEMENTS[name].compiled(Dialect.SQLITE)
    values = dict.fromkeys(re.findall(r":(\w+)", compiled.sql)) | dict(compiled.constants)
    with contextlib.closing(sqlite3.connect(path)) as db:
        plan = [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + compiled.sql, values)]

    tables = "|".join(metadata.tables)
    scans = [line for line in plan if re.match(rf"SCAN ({tables})\b", line)]
    if name in WHOLE:
        assert all(line.startswith(WHOLE[name]) for line in scans)
        assert len(scans) == 1
    else:
        # Claims scan what they have found, and name it `arm_0` or `due`.
        assert scans == []
    if name not in SORTED:
        assert [line for line in plan if "TEMP B-TREE" in line] == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_is_said_in_postgresql_too(name: str) -> None:
    compiled = STATEMENTS[name].compiled(Dialect.POSTGRESQL)

    assert "database_now" not in compiled.sql
    assert ("SKIP LOCKED" in compiled.sql) == (name.startswith("jobs.claim") or "_PRUNE" in name)


class _StoppedClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


async def test_leases_follow_the_clock_that_was_given(settings: SqliteSettings) -> None:
    """So that tests of services can stop it."""
    clock = _StoppedClock(datetime(2020, 1, 1, tzinfo=UTC))
    database = SqliteDatabase(settings, clock, RandomIds())
    await database.open()
    lease = timedelta(minutes=1)
    async with database.transaction() as tx:
        await tx.jobs.add([a_job(due_at=clock.at)])
        (job,) = await tx.jobs.claim("a", list(Queue), limit=1, lease=lease)
        assert job.lease_until == clock.at + lease
        assert list(await tx.jobs.claim("b", list(Queue), limit=1, lease=lease)) == []
        clock.at += lease
        (job,) = await tx.jobs.claim("b", list(Queue), limit=1, lease=lease)
        assert job.lease_until == clock.at + lease
    await database.close()
