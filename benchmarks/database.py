"""Admissions in batches beside one transaction each, reads, and claiming from a long ledger, on both databases.

Run with `python -m benchmarks.database`. Everything durable (SQLite `synchronous=FULL`, PostgreSQL with `fsync` and
`synchronous_commit` on), one process beside the server, ratios in one run.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from longshore.adapters.sql.postgres import PostgresDatabase, PostgresSettings
from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.audit import AuditEntry
from longshore.core.file import File, FileState
from longshore.core.ids import FileId, JobId, ProjectId, RandomIds
from longshore.core.job import Job, JobKind, JobState, Queue
from longshore.core.kind import Visibility
from longshore.core.project import Project
from longshore.core.time import SystemClock, from_micros, to_micros
from longshore.core.upload import Purpose, Record, Upload, UploadState
from longshore.ports.database import Admission, Database, FileQuery
from tests.servers.postgres import Postgres, find_bin, running_postgres
from tests.servers.process import ServerFailed

ids = RandomIds()
PURPOSE = Purpose(kind="avatar", record=Record("user", "42"), uploader="u-42", group="premium", metadata={"a": "b"})
CALLERS = 64


def _now() -> datetime:
    return datetime.now(UTC)


def _admission(project: Project) -> Admission:
    now = _now()
    upload = Upload(
        id=FileId(ids.uuid4()),
        project_id=project.id,
        state=UploadState.OPEN,
        name="photo.jpg",
        declared_type="image/jpeg",
        size_min=4_000_000,
        size_max=4_000_000,
        purpose=PURPOSE,
        store=None,
        source="native",
        seal=ids.token(),
        write_token_hash="a" * 64,
        read_token_hash="b" * 64,
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
    entry = AuditEntry(
        project_id=project.id,
        at=now,
        actor="key:1",
        action="upload.requested",
        subject=str(upload.id),
        address="192.0.2.1",
    )
    return Admission(uploads=[upload], audit=[entry])


async def _rate(
    admissions: list[Admission], write: Callable[[Admission], Awaitable[None]]
) -> tuple[float, float, float]:
    """Admissions a second with `CALLERS` of them at a time, µs of CPU each, and ms that one in a hundred waited."""
    waiting = iter(admissions)
    waits: list[float] = []

    async def caller() -> None:
        for admission in waiting:
            began = time.perf_counter()
            await write(admission)
            waits.append(time.perf_counter() - began)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return len(waits) / took, cpu / len(waits) * 1e6, statistics.quantiles(waits, n=100)[98] * 1e3


async def _admissions(database: Database, project: Project) -> None:
    async def alone(admission: Admission) -> None:
        async with database.transaction() as tx:
            for upload in admission.uploads:
                await tx.uploads.add(upload)
            for entry in admission.audit:
                await tx.audit.add(entry)

    for _ in range(2):
        single = await _rate([_admission(project) for _ in range(3_000)], alone)
        batched = await _rate([_admission(project) for _ in range(20_000)], database.admit)
        for name, (rate, cpu, wait) in (("one transaction each", single), ("batched", batched)):
            print(f"admissions, {name:<21} {rate:8.0f} /s   {cpu:6.1f} µs CPU each   99 % within {wait:5.1f} ms")
        print(f"admissions, ratio                {batched[0] / single[0]:8.1f} x   (wanted: at least 2)")


async def _latency(name: str, count: int, read: Callable[[], Awaitable[object]]) -> float:
    waits: list[float] = []
    cpu = time.process_time()
    for _ in range(count):
        began = time.perf_counter()
        await read()
        waits.append(time.perf_counter() - began)
    cpu = time.process_time() - cpu
    median = statistics.median(waits) * 1e6
    print(f"{name:<40} {median:8.0f} µs median   {cpu / count * 1e6:6.0f} µs CPU")
    return median


async def _reads(database: Database, project: Project, files: list[File]) -> None:
    choice = iter(files * 3)

    async def get() -> None:
        async with database.reading() as tx:
            assert await tx.files.get(next(choice).id)

    async def change() -> None:
        async with database.transaction() as tx:
            await tx.audit.add(AuditEntry(project_id=project.id, at=_now(), actor="a", action="b", subject="c"))

    def page(after: datetime | None) -> Callable[[], Awaitable[None]]:
        async def read() -> None:
            async with database.reading() as tx:
                found = await tx.files.list(FileQuery(project_id=project.id, after=after, limit=100))
                assert len(found) == 100
                await tx.files.count(FileQuery(project_id=project.id))

        return read

    await _latency("get one file", 2_000, get)
    await _latency("transaction of one insert", 1_000, change)
    first = await _latency("page of 100 files with its total", 200, page(None))
    last = await _latency("the same after most of them", 200, page(files[-200].uploaded_at))
    print(f"{'last page / first page':<40} {last / first:8.2f} x")


async def _claims(few: Database, many: Database) -> None:
    """Alternately, so that both meet the same disk."""

    async def add(database: Database, count: int) -> None:
        past = _now() - timedelta(days=1)
        for start in range(0, count, 5_000):
            jobs = [
                Job(
                    id=JobId(ids.uuid7()),
                    kind=JobKind.INSPECT,
                    subject=str(ids.uuid4()),
                    state=JobState.WAITING,
                    due_at=past + timedelta(microseconds=n),
                    created_at=past,
                )
                for n in range(start, min(start + 5_000, count))
            ]
            async with database.transaction() as tx:
                await tx.jobs.add(jobs)

    async def work(database: Database) -> float:
        began = time.perf_counter()
        async with database.transaction() as tx:
            (job,) = await tx.jobs.claim("me", list(Queue), limit=1, lease=timedelta(minutes=1))
        async with database.transaction() as tx:
            assert await tx.jobs.complete(job, _now())
        return time.perf_counter() - began

    await add(few, 400)
    await add(many, 100_000)
    waits = [(await work(few), await work(many)) for _ in range(300)]
    short, long = (statistics.median(each) * 1e6 for each in zip(*waits, strict=True))
    print(f"{'claim and complete, 100 to 400 waiting':<40} {short:8.0f} µs median")
    print(f"{'claim and complete, 100,000 waiting':<40} {long:8.0f} µs median")
    print(f"{'ratio':<40} {long / short:8.2f} x   (wanted: at most 1.5)")


async def _workers(database: Database, workers: int, jobs: int) -> None:
    """Claiming one by one, so that the statements are measured and not the batch."""
    left = iter(range(jobs))
    waits: list[float] = []

    async def work(owner: str) -> None:
        for _ in left:
            began = time.perf_counter()
            async with database.transaction() as tx:
                (job,) = await tx.jobs.claim(owner, list(Queue), limit=1, lease=timedelta(minutes=1))
            async with database.transaction() as tx:
                assert await tx.jobs.complete(job, _now())
            waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(work(f"w{n}") for n in range(workers)))
    took = (time.perf_counter() - began) / jobs * 1e3
    name = f"claim and complete, {workers} workers"
    print(f"{name:<40} {took:8.2f} ms a job   {statistics.median(waits) * 1e3:6.2f} ms median   (wanted: under 3)")


async def _confirms(database: Database, project: Project) -> None:
    """What a confirmed upload writes: the moment and the counter of its project are taken in the order of commits."""

    async def add() -> None:
        for _ in range(100):
            async with database.transaction() as tx:
                file = await tx.files.add(_file(project))
                await tx.audit.add(
                    AuditEntry(project_id=project.id, at=_now(), actor="a", action="b", subject=str(file.id))
                )

    began = time.perf_counter()
    await asyncio.gather(*(add() for _ in range(8)))
    print(f"{'files added to one project by 8':<40} {800 / (time.perf_counter() - began):8.0f} /s")


_MILLION = """
INSERT INTO files (id, project_id, state, name, declared_type, size, seal, position, metadata, visibility,
                   read_token_hash, uploaded_at, version, shelf, stored_at)
SELECT gen_random_uuid(), {project}, 'ready', 'photo.jpg', 'image/jpeg', 4000000, 'seal', 0, '{{}}', 'public',
       repeat('b', 64), {start} + n * 1000, 2, CASE n % 3 WHEN 0 THEN 'stored' ELSE 'unstored' END,
       CASE n % 3 WHEN 0 THEN {start} END
FROM generate_series(1, {count}) AS n;
"""


async def _pages(database: Database, server: Postgres, url: str) -> None:
    """A project of a million files, paged by key, with totals, as the REST API lists them."""
    async with database.transaction() as tx:
        project = await tx.projects.add(Project(id=ProjectId(0), name="million", public_key="m", created_at=_now()))
        first = await tx.files.add(_file(project))
    count, start = 1_000_000, to_micros(first.uploaded_at)
    name = url.rpartition("/")[2]
    server.execute(_MILLION.format(project=project.id, start=start, count=count), name)
    counters = f"stored = stored + {count // 3}, unstored = unstored + {count - count // 3}"
    server.execute(f"UPDATE file_totals SET {counters} WHERE project_id = {project.id}", name)
    server.execute("VACUUM ANALYZE files", name)

    def page(number: int) -> Callable[[], Awaitable[None]]:
        after = from_micros(start + (number - 1) * 100 * 1000) if number > 1 else None

        async def read() -> None:
            async with database.reading() as tx:
                query = FileQuery(project_id=project.id, after=after, limit=100)
                assert len(await tx.files.list(query)) in (99, 100)
                await tx.files.count(query)
                await tx.files.totals(project.id)

        return read

    near = await _latency("page 1 of a million files, with totals", 300, page(1))
    far = await _latency("page 10,000", 300, page(10_000))
    print(f"{'page 10,000 / page 1':<40} {far / near:8.2f} x   (wanted: at most 1.5; a list under 20 ms)")


def _file(project: Project) -> File:
    return File(
        id=FileId(ids.uuid4()),
        project_id=project.id,
        state=FileState.READY,
        name="photo.jpg",
        declared_type="image/jpeg",
        size=4_000_000,
        seal=ids.token(),
        purpose=PURPOSE,
        visibility=Visibility.PUBLIC,
        read_token_hash="b" * 64,
        uploaded_at=_now(),
    )


async def _measure(database: Database, other: Database) -> None:
    async with database.transaction() as tx:
        project = await tx.projects.add(Project(id=ProjectId(0), name="bench", public_key="public", created_at=_now()))
    await _admissions(database, project)
    await _confirms(database, project)
    files: list[File] = []
    for _ in range(10):
        async with database.transaction() as tx:
            for _ in range(1_000):
                files.append(await tx.files.add(_file(project)))  # noqa: PERF401 -- one after the other
    await _reads(database, project, files)
    await _claims(other, database)
    await _workers(database, 8, 1_000)


async def _sqlite(folder: Path) -> None:
    print("SQLite")
    database, other = (
        SqliteDatabase(SqliteSettings(path=folder / name), SystemClock(), ids) for name in ("a.db", "b.db")
    )
    await database.open()
    await other.open()
    try:
        await _measure(database, other)
    finally:
        await database.close()
        await other.close()


async def _postgres(server: Postgres) -> None:
    print("PostgreSQL")
    urls = server.database(), server.database()
    database, other = (PostgresDatabase(PostgresSettings(url=url), SystemClock(), ids) for url in urls)
    await database.open()
    await other.open()
    try:
        await _measure(database, other)
        await _pages(database, server, urls[0])
    finally:
        await database.close()
        await other.close()


def main() -> None:
    # The server runs on uvloop, and ways between threads cost differently there.
    import uvloop

    place = sys.argv[1] if __name__ == "__main__" and len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(prefix="longshore-bench-", dir=place) as folder:
        uvloop.run(_sqlite(Path(folder)))
    try:
        find_bin()
    except ServerFailed as missing:
        print(f"PostgreSQL: {missing}")
        return
    with running_postgres("max_wal_size=4GB", durable=True) as server:
        uvloop.run(_postgres(server))


if __name__ == "__main__":
    main()
