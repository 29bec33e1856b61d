"""What a transaction promises, whoever fails or leaves; and the batching writer."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from longshore.adapters.sql.migrate import HEAD
from longshore.core.ids import ProjectId
from longshore.core.project import Project
from longshore.core.upload import Upload
from longshore.ports.database import Admission, Database, Repeat, RepeatTaken
from tests.contract.database.nouns import NOON, a_project, an_entry, an_upload


async def _names(database: Database) -> list[str]:
    async with database.reading() as tx:
        return [project.name for project in await tx.projects.list()]


async def test_an_exception_rolls_everything_back(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await tx.projects.add(a_project("a"))
            await tx.projects.add(a_project("b"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await _names(database) == []


async def test_a_transaction_sees_its_own_changes_and_nobody_else_does(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.projects.add(a_project("a"))
        assert await tx.projects.by_name("a") is not None
        assert await _names(database) == []

    assert await _names(database) == ["a"]


async def test_reading_is_a_snapshot(database: Database) -> None:
    async with database.reading() as snapshot:
        assert list(await snapshot.projects.list()) == []
        async with database.transaction() as tx:
            await tx.projects.add(a_project("a"))
        assert list(await snapshot.projects.list()) == []

    assert await _names(database) == ["a"]


async def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(Exception):  # noqa: B017 a bug of the caller, whatever the engine calls it
        async with database.reading() as tx:
            await tx.projects.add(a_project("a"))

    assert await _names(database) == []


async def test_a_transaction_that_has_ended_cannot_be_used(database: Database) -> None:
    async with database.transaction() as tx:
        pass

    with pytest.raises(RuntimeError):
        await tx.projects.list()


async def test_an_empty_transaction_is_fine(database: Database) -> None:
    async with database.transaction():
        pass
    async with database.reading():
        pass

    assert await _names(database) == []


@pytest.mark.parametrize("steps", range(0, 30, 2))
async def test_a_cancelled_transaction_leaves_nothing_and_nobody_waiting(database: Database, steps: int) -> None:
    """Cancelled at many different moments: before its turn, in a statement, at the commit. All of it or nothing."""

    async def work() -> None:
        async with database.transaction() as tx:
            await tx.projects.add(a_project("a"))
            await tx.projects.add(a_project("b"))
            await tx.projects.add(a_project("c"))

    task = asyncio.create_task(work())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    async with asyncio.timeout(5), database.transaction() as tx:
        await tx.projects.add(a_project("z"))
    assert await _names(database) in (["z"], ["a", "b", "c", "z"])


async def test_cancelled_waiters_do_not_lose_the_turn(database: Database) -> None:
    async def add(name: str) -> None:
        async with database.transaction() as tx:
            await tx.projects.add(a_project(name))

    async with database.transaction() as tx:
        await tx.projects.add(a_project("first"))
        tasks = [asyncio.create_task(add(f"n{n}")) for n in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(result) for result in results] == [asyncio.CancelledError, type(None)] * 10
    assert await _names(database) == sorted(["first", *(f"n{n}" for n in range(1, 20, 2))])


async def test_transactions_of_many_tasks_do_not_mix(database: Database) -> None:
    async def add(n: int) -> None:
        async with database.transaction() as tx:
            await tx.projects.add(a_project(f"a{n}"))
            await asyncio.sleep(0)
            if n % 3 == 0:
                raise ZeroDivisionError
            await tx.projects.add(a_project(f"b{n}"))

    await asyncio.gather(*(add(n) for n in range(30)), return_exceptions=True)

    kept = [n for n in range(30) if n % 3]
    assert await _names(database) == sorted([*(f"a{n}" for n in kept), *(f"b{n}" for n in kept)])


def _admission(project: Project, upload: Upload, key: str | None = None) -> Admission:
    repeat = None
    if key is not None:
        repeat = Repeat(project_id=project.id, key=key, fingerprint="f", uploads=(upload.id,), created_at=NOON)
    return Admission(uploads=[upload], audit=[an_entry(project, str(upload.id))], repeat=repeat)


async def _stored(database: Database, uploads: list[Upload]) -> list[bool]:
    async with database.reading() as tx:
        return [await tx.uploads.get(upload.id) == upload for upload in uploads]


async def test_admissions_at_once_are_all_written(database: Database, project: Project) -> None:
    uploads = [an_upload(project) for _ in range(200)]

    await asyncio.gather(*(database.admit(_admission(project, upload)) for upload in uploads))

    assert all(await _stored(database, uploads))
    async with database.reading() as tx:
        assert len(await tx.audit.list(project.id, 1000)) == 200


async def test_a_batch_of_a_thousand_is_one_admission(database: Database, project: Project) -> None:
    uploads = [an_upload(project) for _ in range(1000)]

    await database.admit(Admission(uploads=uploads, audit=[an_entry(project)]))

    assert all(await _stored(database, uploads))


async def test_a_bad_admission_fails_alone(database: Database, project: Project) -> None:
    uploads = [an_upload(project) for _ in range(12)]
    uploads[3] = replace(uploads[3], project_id=ProjectId(99))  # there is no such project
    uploads[5] = replace(uploads[5], name="half a \ud800 pair")  # cannot be stored as UTF-8
    uploads[9] = replace(uploads[9], id=uploads[8].id, name="b")  # one of them has to lose
    uploads[11] = replace(uploads[11], size_max=1 << 70)

    results = await asyncio.gather(
        *(database.admit(_admission(project, upload, key=f"k{n}")) for n, upload in enumerate(uploads)),
        return_exceptions=True,
    )

    bad = {3, 5, 9, 11}
    assert {n for n, result in enumerate(results) if isinstance(result, Exception)} == bad
    assert {n for n, stored in enumerate(await _stored(database, uploads)) if not stored} == bad
    async with database.reading() as tx:
        assert [await tx.repeats.get(project.id, f"k{n}") is None for n in range(12)] == [n in bad for n in range(12)]
        assert len(await tx.audit.list(project.id, 100)) == 8


async def test_of_equal_keys_one_is_admitted(database: Database, project: Project) -> None:
    uploads = [an_upload(project) for _ in range(10)]
    keys = ["same", "same", "same", *(f"k{n}" for n in range(7))]

    results = await asyncio.gather(
        *(database.admit(_admission(project, upload, key)) for upload, key in zip(uploads, keys, strict=True)),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [type(None), RepeatTaken, RepeatTaken, *[type(None)] * 7]
    assert await _stored(database, uploads) == [result is None for result in results]
    with pytest.raises(RepeatTaken):
        await database.admit(_admission(project, an_upload(project), "same"))


async def test_a_cancelled_admission_changes_nothing_for_others(database: Database, project: Project) -> None:
    uploads = [an_upload(project) for _ in range(40)]
    tasks = [asyncio.create_task(database.admit(_admission(project, upload))) for upload in uploads]
    for n, task in enumerate(tasks):
        if n % 4 == 0:
            await asyncio.sleep(0)
            task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    stored = await _stored(database, uploads)
    assert all(there for there, result in zip(stored, results, strict=True) if result is None)
    assert all(isinstance(result, asyncio.CancelledError) for result in results if result is not None)
    assert sum(result is None for result in results) >= 30


async def test_admissions_and_transactions_take_turns(database: Database, project: Project) -> None:
    """Neither starves the other: a transaction waits for one batch at most, a batch for one transaction."""
    stop = asyncio.Event()
    admitted = changed = 0

    async def admit() -> None:
        nonlocal admitted
        while not stop.is_set():
            await database.admit(_admission(project, an_upload(project)))
            admitted += 1

    async def change() -> None:
        nonlocal changed
        while not stop.is_set():
            async with database.transaction() as tx:
                await tx.audit.add(an_entry(project))
            changed += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(admit())
            group.create_task(change())
        await asyncio.sleep(0.5)
        stop.set()

    assert admitted >= 100
    assert changed >= 20


async def test_check_says_what_this_is(database: Database) -> None:
    line = await database.check()

    assert f"schema {HEAD}" in line
    assert "\n" not in line
