"""Other processes, kills and full disks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.ids import FileId, RandomIds
from longshore.core.time import SystemClock
from longshore.ports.database import Admission, DatabaseBusy
from tests.contract.database.nouns import a_project, an_upload

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """By another process, as `longshore key revoke` or a backup would."""
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('BEGIN IMMEDIATE'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


async def test_a_lock_that_another_process_holds_is_busy_in_bounded_time(database: SqliteDatabase, path: Path) -> None:
    async def add(name: str) -> None:
        async with database.transaction() as tx:
            await tx.projects.add(a_project(name))

    async with database.transaction() as tx:
        project = await tx.projects.add(a_project())
    with _locked(path):
        began = time.monotonic()
        results = await asyncio.gather(
            *(add(f"n{n}") for n in range(10)),
            *(database.admit(Admission(uploads=[an_upload(project)], audit=[])) for _ in range(10)),
            return_exceptions=True,
        )
        took = time.monotonic() - began
        assert [type(result) for result in results] == [DatabaseBusy] * 20
        assert all(isinstance(result, DatabaseBusy) and result.retry_after for result in results)
        assert took < 3 * 0.3 + 1
        async with database.reading() as tx:  # readers wait for no writer
            assert [found.name for found in await tx.projects.list()] == ["demo"]

    await add("after")
    await database.admit(Admission(uploads=[an_upload(project)], audit=[]))


async def test_a_lock_given_back_in_time_is_only_a_wait(database: SqliteDatabase, path: Path) -> None:
    with _locked(path):

        async def add() -> None:
            async with database.transaction() as tx:
                await tx.projects.add(a_project())

        adding = asyncio.create_task(add())
        await asyncio.sleep(0.05)
    await adding


async def test_who_is_cancelled_while_the_lock_is_held_leaves_at_once(database: SqliteDatabase, path: Path) -> None:
    with _locked(path):
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), database.transaction() as tx:
                await tx.projects.add(a_project())
        assert time.monotonic() - began < 0.25
    async with database.transaction() as tx:
        assert await tx.projects.by_name("demo") is None


_CHILD = """
    import asyncio, sys
    from pathlib import Path
    from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
    from longshore.core.errors import StorageFull
    from longshore.core.ids import RandomIds
    from longshore.core.time import SystemClock
    from longshore.ports.database import Admission
    from tests.contract.database.nouns import a_project, an_entry, an_upload

    async def main(path):
        database = SqliteDatabase(SqliteSettings(path=Path(path)), SystemClock(), RandomIds())
        await database.open()
        async with database.transaction() as tx:
            project = await tx.projects.add(a_project())
"""


def _child(body: str, path: Path) -> subprocess.Popen[str]:
    code = textwrap.dedent(_CHILD) + textwrap.indent(textwrap.dedent(body), "    ") + "\nasyncio.run(main(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )


@pytest.mark.parametrize("lines", [1, 700])
async def test_what_was_admitted_survives_a_kill(make: Callable[[], SqliteDatabase], path: Path, lines: int) -> None:
    child = _child(
        """
        async def admit():
            while True:
                upload = an_upload(project)
                await database.admit(Admission(uploads=[upload], audit=[an_entry(project, str(upload.id))]))
                print(upload.id, flush=True)
        await asyncio.gather(*(admit() for _ in range(16)))
        """,
        path,
    )
    with child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        told += [line for line in child.stdout if line.endswith("\n")]

    database = make()
    await database.open()
    async with database.reading() as tx:
        (project,) = await tx.projects.list()
        for line in told:
            assert await tx.uploads.get(FileId(UUID(line.strip()))) is not None
        audited = {entry.subject for entry in await tx.audit.list(project.id, 10_000)}
    await database.close()
    assert audited >= {line.strip() for line in told} or len(audited) == 10_000
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # Never half an admission.
        assert (
            db.execute("SELECT count(*) FROM uploads").fetchone() == db.execute("SELECT count(*) FROM audit").fetchone()
        )


def test_a_full_disk_is_storage_full_and_passes(path: Path) -> None:
    """RLIMIT_FSIZE stands for the disk: a write beyond it fails."""
    child = _child(
        """
        import resource
        def limit(size):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        async def admit():
            await database.admit(Admission(uploads=[an_upload(project, name="x" * 1000) for _ in range(100)], audit=[]))
        async def change():
            async with database.transaction() as tx:
                for _ in range(100):
                    await tx.uploads.add(an_upload(project, name="x" * 1000))
        limit(1 << 20)
        for work in (admit, change):
            try:
                for _ in range(100):
                    await work()
            except StorageFull as full:
                print(type(full).__name__, bool(full.retry_after), bool(full.__cause__))
            else:
                print("never full")
        async with database.reading() as tx:
            print(len(await tx.projects.list()))
        limit(resource.RLIM_INFINITY)
        await admit()
        await change()
        await database.close()
        """,
        path,
    )
    out, _ = child.communicate(timeout=60)

    assert child.returncode == 0
    assert out.splitlines() == ["StorageFull True True", "StorageFull True True", "1"]
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = db.execute("SELECT count(*) FROM uploads").fetchone()
    assert count % 100 == 0


async def test_closing_leaves_no_thread_and_no_log(make: Callable[[], SqliteDatabase], path: Path) -> None:
    database = make()
    await database.open()
    async with database.transaction() as tx:
        await tx.projects.add(a_project())
    await database.close()
    await database.close()

    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("sqlite-")] == []
    assert not path.with_name("longshore.db-wal").exists()
    with pytest.raises(DatabaseBusy):
        async with database.transaction() as tx:
            await tx.projects.list()


async def test_a_full_queue_is_busy_at_once(path: Path) -> None:
    database = SqliteDatabase(SqliteSettings(path=path, queue_length=2), SystemClock(), RandomIds())
    await database.open()

    async def wait() -> None:
        async with database.transaction():
            pass

    async with database.transaction():
        waiting = [asyncio.create_task(wait()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(DatabaseBusy):
            await wait()
    await asyncio.gather(*waiting)
    await database.close()
