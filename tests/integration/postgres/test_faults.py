"""A server that is killed, frozen, full or locked; callers who leave; two processes at one ledger."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from longshore.adapters.sql.postgres import PostgresDatabase, PostgresSettings
from longshore.adapters.sql.statement import Violated
from longshore.core.errors import StorageFull
from longshore.core.ids import FileId, RandomIds
from longshore.core.job import Queue
from longshore.core.project import Project
from longshore.core.time import SystemClock
from longshore.core.upload import Record
from longshore.ports.database import Admission, DatabaseBusy
from tests.contract.database.nouns import NOON, a_file, a_job, a_project, an_entry, an_upload
from tests.integration.postgres.conftest import Make
from tests.servers.postgres import Postgres

ROOT = Path(__file__).parents[3]


async def _project(database: PostgresDatabase, name: str = "demo") -> Project:
    async with database.transaction() as tx:
        return await tx.projects.add(a_project(name))


async def _names(database: PostgresDatabase) -> list[str]:
    async with database.reading() as tx:
        return [project.name for project in await tx.projects.list()]


@pytest.fixture
async def breakable(postgres_to_break: Postgres) -> AsyncIterator[PostgresDatabase]:
    settings = PostgresSettings(url=postgres_to_break.database(), statement_timeout_s=1.0, patience_s=1.0)
    opened = PostgresDatabase(settings, SystemClock(), RandomIds())
    await opened.open()
    yield opened
    await opened.close()


async def test_a_server_that_was_killed_and_started_is_used_again(
    breakable: PostgresDatabase, postgres_to_break: Postgres
) -> None:
    """Whoever was in the middle is told so; what was committed is there; nobody has to be restarted."""
    project = await _project(breakable)

    async def interrupted() -> None:
        async with breakable.transaction() as tx:
            await tx.projects.add(a_project("lost"))
            postgres_to_break.kill()
            await tx.projects.add(a_project("never"))

    with pytest.raises(DatabaseBusy):
        await interrupted()
    for _ in range(3):
        with pytest.raises(DatabaseBusy):
            await _names(breakable)
        with pytest.raises(DatabaseBusy):
            await breakable.admit(Admission(uploads=[an_upload(project)], audit=[]))
    postgres_to_break.start()

    assert await _names(breakable) == ["demo"]
    await breakable.admit(Admission(uploads=[an_upload(project)], audit=[]))
    await _project(breakable, "later")
    assert "schema" in await breakable.check()


async def test_idle_connections_outlive_a_restart_unnoticed(
    breakable: PostgresDatabase, postgres_to_break: Postgres
) -> None:
    project = await _project(breakable)
    await asyncio.gather(*(_names(breakable) for _ in range(5)))
    await breakable.admit(Admission(uploads=[an_upload(project)], audit=[]))
    postgres_to_break.stop()
    postgres_to_break.start()

    assert await asyncio.gather(*(_names(breakable) for _ in range(5))) == [["demo"]] * 5
    await breakable.admit(Admission(uploads=[an_upload(project)], audit=[]))


async def test_who_is_cancelled_leaves_a_frozen_server_at_once(
    breakable: PostgresDatabase, postgres_to_break: Postgres
) -> None:
    await _project(breakable)
    postgres_to_break.pause()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await _names(breakable)
    assert time.monotonic() - began < 0.5
    postgres_to_break.resume()

    assert await _names(breakable) == ["demo"]


@pytest.mark.parametrize("work", ["transaction", "admit"])
async def test_a_full_disk_is_storage_full_and_passes(
    database: PostgresDatabase, postgres: Postgres, url: str, work: str
) -> None:
    """A trigger stands for the disk: the server says exactly what it says when a file cannot grow."""
    project = await _project(database)
    name = url.rpartition("/")[2]
    postgres.execute(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$",
        name,
    )
    postgres.execute(
        "CREATE TRIGGER full_disk BEFORE INSERT ON uploads FOR EACH ROW EXECUTE FUNCTION full_disk()", name
    )
    upload = an_upload(project)

    async def write() -> None:
        if work == "admit":
            await database.admit(Admission(uploads=[upload], audit=[an_entry(project)]))
        else:
            async with database.transaction() as tx:
                await tx.uploads.add(upload)

    with pytest.raises(StorageFull) as full:
        await write()
    assert full.value.__cause__ is not None
    assert full.value.retry_after
    postgres.execute("DROP TRIGGER full_disk ON uploads", name)
    await write()


async def test_a_row_that_somebody_holds_is_busy_in_bounded_time(database: PostgresDatabase, url: str) -> None:
    project = await _project(database)
    with psycopg.connect(url) as other:
        other.execute("UPDATE projects SET max_size = 1")
        began = time.monotonic()
        with pytest.raises(DatabaseBusy):
            async with database.transaction() as tx:
                await tx.projects.save(project)
        assert 0.25 < time.monotonic() - began < 1.0
        assert await _names(database) == ["demo"]  # who reads waits for nobody
        other.rollback()
    async with database.transaction() as tx:
        await tx.projects.save(project)


async def test_no_connection_left_is_busy_in_bounded_time(make: Make) -> None:
    database = make(connections=2, patience_s=0.2)
    await database.open()
    await _project(database)

    async with database.transaction() as one, database.reading() as two:
        await one.projects.list()
        await two.projects.list()
        began = time.monotonic()
        with pytest.raises(DatabaseBusy):
            await _names(database)
        assert 0.15 < time.monotonic() - began < 1.0
    assert await _names(database) == ["demo"]
    await database.close()


async def test_a_server_without_connections_left_is_busy(make: Make, url: str, postgres: Postgres) -> None:
    name = url.rpartition("/")[2]
    postgres.execute(f"CREATE ROLE one_{name} LOGIN CONNECTION LIMIT 1")
    postgres.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO one_{name}", name)
    postgres.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO one_{name}", name)
    database = make(url=postgres.url(name, f"one_{name}"))
    await database.open()
    async with database.reading() as tx:
        await tx.projects.list()
        with pytest.raises(DatabaseBusy):
            await _names(database)
    await asyncio.sleep(0.05)  # the end of a read is not waited for
    assert await _names(database) == []  # on the connection there is
    await database.close()


async def test_of_two_in_a_deadlock_one_is_busy_and_one_wins(make: Make) -> None:
    database = make(lock_timeout_s=10.0, statement_timeout_s=10.0)
    await database.open()
    first, second = await _project(database, "a"), await _project(database, "b")
    met = asyncio.Barrier(2)

    async def change(one: Project, other: Project) -> None:
        async with database.transaction() as tx:
            await tx.projects.save(one)
            await met.wait()
            await tx.projects.save(other)

    results = await asyncio.gather(change(first, second), change(second, first), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["DatabaseBusy", "NoneType"]
    await database.close()


async def test_who_catches_a_failure_inside_commits_nothing(database: PostgresDatabase) -> None:
    """PostgreSQL would answer such a COMMIT with a rollback, and no error."""

    async def careless() -> None:
        async with database.transaction() as tx:
            project = await tx.projects.add(a_project("a"))
            with contextlib.suppress(Violated):
                await tx.attachments.add(project.id, Record("r", "1"), "k", 0, FileId(RandomIds().uuid4()), NOON)

    with pytest.raises(DatabaseBusy):
        await careless()
    assert await _names(database) == []


async def test_cancelled_callers_never_share_a_connection(database: PostgresDatabase, url: str) -> None:
    """Many leave at many moments; the rest read their own answers, and no connection stays behind in a transaction."""
    jobs = [a_job(subject=str(n)) for n in range(50)]
    async with database.transaction() as tx:
        await tx.jobs.add(jobs)

    async def read(n: int) -> bool:
        async with database.reading() as tx:
            found = await tx.jobs.get(jobs[n].id)
            return found is not None and found.subject == str(n)

    async def hurried(n: int) -> bool:
        async with asyncio.timeout(0.0005 * (n % 9)):
            return await read(n % 50)

    results = await asyncio.gather(*(hurried(n) for n in range(300)), return_exceptions=True)
    assert {type(result) for result in results} <= {bool, TimeoutError}
    assert all(result for result in results if isinstance(result, bool))
    assert all(await asyncio.gather(*(read(n) for n in range(50))))
    await database.close()
    with psycopg.connect(url, autocommit=True) as db:  # within one transaction the view would not change
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        for _ in range(250):
            if db.execute(query).fetchone() == (0,):
                break
            await asyncio.sleep(0.02)
        assert db.execute(query).fetchone() == (0,)


async def test_moments_grow_in_the_order_of_commits(make: Make) -> None:
    """A reader who pages after the newest moment it has seen never misses a file (decision 21)."""
    database = make(connections=8, lock_timeout_s=5.0)
    await database.open()
    project = await _project(database)
    seen: list[int] = []
    done = asyncio.Event()

    async def add() -> None:
        for _ in range(10):
            async with database.transaction() as tx:
                await tx.files.add(a_file(project))
                await asyncio.sleep(0)

    async def follow() -> None:
        while not done.is_set():
            async with database.reading() as tx:
                totals = await tx.files.totals(project.id)
                seen.append(totals.unstored + totals.stored)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(add() for _ in range(6)))
    done.set()
    await following
    assert seen == sorted(seen)
    async with database.reading() as tx:
        assert (await tx.files.totals(project.id)).unstored == 60
    await database.close()


_WORKER = """
    import asyncio, sys
    from datetime import timedelta
    from longshore.adapters.sql.postgres import PostgresDatabase, PostgresSettings
    from longshore.core.ids import RandomIds
    from longshore.core.job import Queue
    from longshore.core.time import SystemClock

    async def main(url, owner):
        database = PostgresDatabase(PostgresSettings(url=url), SystemClock(), RandomIds())
        await database.open()
        async def work():
            while True:
                async with database.transaction() as tx:
                    jobs = await tx.jobs.claim(owner, list(Queue), limit=2, lease=timedelta(minutes=1))
                if not jobs:
                    return
                for job in jobs:
                    async with database.transaction() as tx:
                        print(job.id, await tx.jobs.complete(job, job.created_at))
        await asyncio.gather(*(work() for _ in range(4)))
        await database.close()
    asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_processes_claim_every_job_once(database: PostgresDatabase, url: str) -> None:
    jobs = [a_job() for _ in range(300)]
    async with database.transaction() as tx:
        await tx.jobs.add(jobs)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(_WORKER), url, f"w{n}"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for n in range(2)
    ]
    lines = [line for worker in workers for line in worker.communicate(timeout=60)[0].splitlines()]

    assert [worker.returncode for worker in workers] == [0, 0]
    assert sorted(lines) == sorted(f"{job.id} True" for job in jobs)


async def test_a_claim_does_not_wait_for_rows_that_another_claims(database: PostgresDatabase) -> None:
    async with database.transaction() as tx:
        await tx.jobs.add([a_job() for _ in range(4)])
    lease = timedelta(minutes=1)

    async with database.transaction() as one:
        first = await one.jobs.claim("a", [Queue.INSPECT], limit=2, lease=lease)
        async with database.transaction() as two:
            second = await two.jobs.claim("b", [Queue.INSPECT], limit=4, lease=lease)

    assert (len(first), len(second)) == (2, 2)
    assert not {job.id for job in first} & {job.id for job in second}


async def test_admissions_are_durable_whatever_the_server_was_told(
    database: PostgresDatabase, postgres: Postgres, url: str
) -> None:
    """The cluster of these tests has `synchronous_commit` off."""
    with psycopg.connect(url) as db:
        assert db.execute("SHOW synchronous_commit").fetchone() == ("off",)
    link = database._links[0]
    assert await link.ask("SHOW synchronous_commit") == ("on",)
    assert await link.ask("SHOW application_name") == ("longshore",)
    assert await link.ask("SHOW lock_timeout") == ("300ms",)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("postgresql://nobody@127.0.0.1:{port}/postgres", 'role "nobody" does not exist'),
        ("postgresql://longshore@127.0.0.1:{port}/nowhere", 'database "nowhere" does not exist'),
        ("postgresql://longshore@127.0.0.1:1/postgres", "Connection refused"),
        ("postgresql://longshore@no.such.host.invalid/postgres", "no.such.host.invalid"),
    ],
)
async def test_what_is_wrong_with_the_address_is_one_sentence(postgres: Postgres, wrong: str, says: str) -> None:
    database = PostgresDatabase(PostgresSettings(url=wrong.format(port=postgres.port)), SystemClock(), RandomIds())
    with pytest.raises(DatabaseBusy) as busy:
        await database.open()

    assert says in busy.value.detail
    assert "\n" not in busy.value.detail
    await database.close()


async def test_a_wrong_password_is_said_and_not_shown(postgres_to_break: Postgres) -> None:
    postgres_to_break.execute("CREATE ROLE app LOGIN PASSWORD 'right'")
    (postgres_to_break.folder / "data" / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    address = postgres_to_break.url("postgres", "app:wr0ng")
    postgres_to_break.execute("SELECT pg_reload_conf()")
    await asyncio.sleep(0.2)
    with pytest.raises(DatabaseBusy) as busy:
        await PostgresDatabase(PostgresSettings(url=address), SystemClock(), RandomIds()).open()

    assert "password authentication failed" in busy.value.detail
    assert "wr0ng" not in busy.value.detail
