"""Files: compare-and-set, moments, lists and the counters beside them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from longshore.core.file import REFUSED, File, FileState, Step, StepName, StepState, Totals
from longshore.core.ids import FileId
from longshore.core.project import Project
from longshore.core.time import MICROSECOND
from longshore.core.upload import Purpose
from longshore.ports.database import Database, FileQuery
from tests.contract.database.nouns import HOUR, LEARNED, NOON, SECOND, a_file, a_project, ids


async def _add(database: Database, file: File) -> File:
    async with database.transaction() as tx:
        return await tx.files.add(file)


async def _listed(database: Database, project: Project, **query: Any) -> list[File]:
    async with database.reading() as tx:
        return list(await tx.files.list(FileQuery(project_id=project.id, **query)))


async def test_a_file_is_read_back_as_it_was(database: Database, project: Project) -> None:
    bare = a_file(project, purpose=Purpose())
    full = a_file(project, uploaded_at=NOON + HOUR, **LEARNED)
    for file in (bare, full):
        assert await _add(database, file) == file
        async with database.reading() as tx:
            assert await tx.files.get(file.id) == file
    async with database.reading() as tx:
        assert await tx.files.get(FileId(ids.uuid4())) is None


async def test_a_saved_file_is_read_back_with_the_next_version(database: Database, project: Project) -> None:
    file = await _add(database, a_file(project))
    changed = replace(file, **LEARNED)
    async with database.transaction() as tx:
        assert await tx.files.save(changed)

    async with database.reading() as tx:
        assert await tx.files.get(file.id) == replace(changed, version=2)


async def test_who_saves_an_older_version_changes_nothing(database: Database, project: Project) -> None:
    file = await _add(database, a_file(project))

    async def save(name: str) -> bool:
        async with database.transaction() as tx:
            return await tx.files.save(replace(file, name=name, stored_at=NOON))

    won = await asyncio.gather(*(save(str(n)) for n in range(5)))

    assert sorted(won) == [False, False, False, False, True]
    async with database.reading() as tx:
        stored = await tx.files.get(file.id)
        assert stored == replace(file, name=str(won.index(True)), stored_at=NOON, version=2)
        assert await tx.files.totals(project.id) == Totals(removed=0, stored=1, unstored=0)


async def test_a_file_that_is_not_there_cannot_be_saved(database: Database, project: Project) -> None:
    async with database.transaction() as tx:
        assert not await tx.files.save(a_file(project))
        assert await tx.files.totals(project.id) == Totals(removed=0, stored=0, unstored=0)


async def test_moments_are_unique_and_grow_in_a_project(database: Database, project: Project) -> None:
    """Paging by moment is exclusive, so two files with one moment would hide one of them (decision 21)."""
    async with database.transaction() as tx:
        other = await tx.projects.add(a_project("other"))
        again = await tx.files.add(a_file(other))
    moments = [
        (await _add(database, a_file(project, uploaded_at=at))).uploaded_at
        for at in (NOON, NOON, NOON - HOUR, NOON + MICROSECOND, NOON + HOUR)
    ]

    assert again.uploaded_at == NOON
    assert moments == [NOON + n * MICROSECOND for n in range(4)] + [NOON + HOUR]
    assert [file.uploaded_at for file in await _listed(database, project)] == moments


async def test_files_added_at_once_have_different_moments(database: Database, project: Project) -> None:
    files = await asyncio.gather(*(_add(database, a_file(project)) for _ in range(20)))

    assert len({file.uploaded_at for file in files}) == 20


@pytest.fixture
async def shelves(database: Database, project: Project) -> dict[str, File]:
    """One of each, a second apart in this order."""
    states: dict[str, dict[str, Any]] = {
        "checking": {},
        "stored": {"state": FileState.READY, "stored_at": NOON},
        "removed": {"state": FileState.REMOVED, "removed_at": NOON},
        "quarantined": {"state": FileState.QUARANTINED},
        "ready": {"state": FileState.READY},
        "rejected": {"state": FileState.REJECTED, "stored_at": NOON},
        "checking-stored": {"stored_at": NOON},
        "held": {"state": FileState.HELD},
    }
    return {
        name: await _add(database, a_file(project, uploaded_at=NOON + n * SECOND, **fields))
        for n, (name, fields) in enumerate(states.items())
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["checking", "stored", "ready", "checking-stored"]),
        ({"descending": True}, ["checking-stored", "ready", "stored", "checking"]),
        ({"stored": True}, ["stored", "checking-stored"]),
        ({"stored": False, "descending": True}, ["ready", "checking"]),
        ({"removed": True}, ["removed"]),
        ({"removed": True, "stored": False}, ["removed"]),
        ({"removed": True, "stored": True}, []),
        ({"limit": 2}, ["checking", "stored"]),
        ({"limit": 2, "offset": 1}, ["stored", "ready"]),
        ({"limit": 0}, []),
        ({"offset": 9}, []),
        ({"after": NOON}, ["stored", "ready", "checking-stored"]),
        ({"before": NOON + 4 * SECOND}, ["checking", "stored"]),
        ({"after": NOON, "before": NOON + 6 * SECOND, "descending": True}, ["ready", "stored"]),
    ],
)
async def test_lists_show_what_was_asked_for(
    database: Database, project: Project, shelves: dict[str, File], query: dict[str, Any], expected: list[str]
) -> None:
    assert await _listed(database, project, **query) == [shelves[name] for name in expected]

    without_bounds = {key: value for key, value in query.items() if key in ("removed", "stored")}
    async with database.reading() as tx:
        count = await tx.files.count(FileQuery(project_id=project.id, **query))
    assert count == len(await _listed(database, project, **without_bounds))


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_by_key_meet_every_file_once(database: Database, project: Project, descending: bool) -> None:
    files = [await _add(database, a_file(project)) for _ in range(23)]
    seen: list[File] = []
    bound: dict[str, Any] = {}
    while page := await _listed(database, project, descending=descending, limit=5, **bound):
        seen += page
        bound = {"before" if descending else "after": page[-1].uploaded_at}

    assert seen == (files[::-1] if descending else files)


async def test_expired_are_ready_files_past_their_time(database: Database, project: Project) -> None:
    second = await _add(database, a_file(project, state=FileState.READY, expires_at=NOON))
    first = await _add(database, a_file(project, state=FileState.READY, expires_at=NOON - SECOND))
    await _add(database, a_file(project, state=FileState.READY, expires_at=NOON + SECOND))
    await _add(database, a_file(project, state=FileState.READY))
    await _add(database, a_file(project, expires_at=NOON))

    async with database.reading() as tx:
        assert list(await tx.files.expired(NOON, 10)) == [first, second]
        assert list(await tx.files.expired(NOON, 1)) == [first]


async def test_purgeable_are_files_given_up_whose_bytes_are_still_there(database: Database, project: Project) -> None:
    ended = [state for state in FileState if state not in (FileState.CHECKING, FileState.READY)]
    expected = [
        await _add(database, a_file(project, state=state, purge_at=NOON - n * SECOND)) for n, state in enumerate(ended)
    ]
    await _add(database, a_file(project, state=FileState.REMOVED, purge_at=NOON, purged_at=NOON))
    await _add(database, a_file(project, state=FileState.REMOVED, purge_at=NOON + SECOND))
    await _add(database, a_file(project, state=FileState.READY, purge_at=NOON))
    await _add(database, a_file(project, state=FileState.HELD))

    async with database.reading() as tx:
        assert list(await tx.files.purgeable(NOON, 10)) == expected[::-1]
        assert list(await tx.files.purgeable(NOON, 2)) == expected[::-1][:2]


def _counted(files: list[File]) -> Totals:
    shelves = Counter(
        "removed" if file.state is FileState.REMOVED else "stored" if file.stored_at else "unstored"
        for file in files
        if file.state not in REFUSED
    )
    return Totals(removed=shelves["removed"], stored=shelves["stored"], unstored=shelves["unstored"])


@pytest.mark.parametrize("seed", range(3))
async def test_counters_equal_a_recount_after_anything(database: Database, project: Project, seed: int) -> None:
    """Adds, changes of every kind, lost races and rollbacks."""
    choice = random.Random(seed)
    files: list[File] = []
    for _ in range(120):
        change = {"state": choice.choice(list(FileState)), "stored_at": choice.choice([None, NOON])}
        fails, loses = choice.random() < 0.2, choice.random() < 0.2
        try:
            async with database.transaction() as tx:
                if not files or choice.random() < 0.4:
                    file, former = await tx.files.add(a_file(project, **change)), None
                else:
                    former = choice.choice(files)
                    file = replace(former, **change)
                    if loses:
                        assert not await tx.files.save(replace(file, version=file.version + 1))
                        continue
                    assert await tx.files.save(file)
                    file = replace(file, version=file.version + 1)
                if fails:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            continue
        if former is not None:
            files.remove(former)
        files.append(file)

    async with database.reading() as tx:
        assert await tx.files.totals(project.id) == _counted(files)


async def test_steps_are_replaced_and_come_in_their_order(database: Database, project: Project) -> None:
    file = await _add(database, a_file(project))
    publish, digest, scan = (
        Step(file_id=file.id, name=name, state=StepState.WAITING, updated_at=NOON)
        for name in (StepName.PUBLISH, StepName.DIGEST, StepName.SCAN)
    )
    later = replace(scan, state=StepState.RETRYING, attempt=2, reason="no answer", updated_at=NOON + timedelta(days=1))
    async with database.transaction() as tx:
        await tx.steps.put([])
        await tx.steps.put([publish, digest, scan])
        await tx.steps.put([later])

    async with database.reading() as tx:
        assert list(await tx.steps.of(file.id)) == [digest, later, publish]
        assert list(await tx.steps.of(FileId(ids.uuid4()))) == []
