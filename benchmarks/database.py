"""SQLite: admissions in batches beside one transaction each, reads, and claiming from a long ledger.

Run with `python -m benchmarks.database`. Everything durable (`synchronous=FULL`), in one process, ratios in one run.
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

from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.audit import AuditEntry
from longshore.core.file import File, FileState
from longshore.core.ids import FileId, JobId, ProjectId, RandomIds
from longshore.core.job import Job, JobKind, JobState, Queue
from longshore.core.kind import Visibility
from longshore.core.project import Project
from longshore.core.time import SystemClock
from longshore.core.upload import Purpose, Record, Upload, UploadState
from longshore.ports.database import Admission, FileQuery

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


async def _admissions(database: SqliteDatabase, project: Project) -> None:
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


async def _reads(database: SqliteDatabase, project: Project, files: list[File]) -> None:
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


async def _claims(few: SqliteDatabase, many: SqliteDatabase) -> None:
    """Alternately, so that both meet the same disk."""

    async def add(database: SqliteDatabase, count: int) -> None:
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

    async def work(database: SqliteDatabase) -> float:
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


async def _run(folder: Path) -> None:
    database, other = (
        SqliteDatabase(SqliteSettings(path=folder / name), SystemClock(), ids) for name in ("a.db", "b.db")
    )
    await database.open()
    await other.open()
    try:
        async with database.transaction() as tx:
            project = await tx.projects.add(
                Project(id=ProjectId(0), name="bench", public_key="public", created_at=_now())
            )
        await _admissions(database, project)
        files: list[File] = []
        for _ in range(10):
            async with database.transaction() as tx:
                for _ in range(1_000):
                    file = File(
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
                    files.append(await tx.files.add(file))
        await _reads(database, project, files)
        await _claims(other, database)
    finally:
        await database.close()
        await other.close()


def main() -> None:
    # The server runs on uvloop, and ways between threads cost differently there.
    import uvloop

    with tempfile.TemporaryDirectory(
        prefix="longshore-bench-", dir=sys.argv[1] if len(sys.argv) > 1 else None
    ) as folder:
        uvloop.run(_run(Path(folder)))


if __name__ == "__main__":
    main()
