"""`DerivedStore`: made once, never truncated, bounded."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from longshore.core.errors import StorageFull
from longshore.core.ids import FileId
from longshore.ports.derived import Derived, DerivedStore
from longshore.ports.storage import ObjectMissing

KEY = "ab" * 32


def a_file() -> FileId:
    return FileId(uuid4())


async def make(store: DerivedStore, file: FileId, content: bytes, key: str = KEY, kind: str = "image/webp") -> Derived:
    async with store.draft(file, key) as draft:
        os.write(draft.fd, content)
        return await draft.commit(content_type=kind, width=8, height=6)


def content_of(result: Derived | None) -> bytes | None:
    return result and Path(result.path).read_bytes()


async def test_a_small_result_is_in_memory_at_once(derived: DerivedStore) -> None:
    file = a_file()
    made = await make(derived, file, b"small")

    assert made.body == b"small"
    assert (made.key, made.size, made.width, made.height, made.content_type) == (KEY, 5, 8, 6, "image/webp")
    assert content_of(made) == b"small"
    assert derived.cached(file, KEY) == made
    assert await derived.get(file, KEY) == made


async def test_a_large_result_is_read_from_its_path(derived: DerivedStore) -> None:
    file, content = a_file(), os.urandom(50_000)
    made = await make(derived, file, content)

    assert made.body is None
    assert derived.cached(file, KEY) is None
    assert await derived.get(file, KEY) == made
    assert content_of(made) == content


async def test_what_was_not_made_is_absent(derived: DerivedStore) -> None:
    assert derived.cached(a_file(), KEY) is None
    assert await derived.get(a_file(), KEY) is None


@pytest.mark.parametrize("kind", ["image/svg+xml", 'text/plain; charset="utf-8"', "a/.." + "x" * 60])
async def test_any_type_is_given_back(derived: DerivedStore, reopened: Callable[[], DerivedStore], kind: str) -> None:
    file = a_file()
    made = await make(derived, file, b"x", kind=kind)

    assert await reopened().get(file, KEY) == made


async def test_a_draft_left_without_commit_leaves_nothing(derived: DerivedStore, folder: Path) -> None:
    file = a_file()
    async with derived.draft(file, KEY) as draft:
        os.write(draft.fd, b"half")

    assert await derived.get(file, KEY) is None
    assert [path for path in folder.rglob("*") if path.is_file()] == []


async def test_dropping_forgets_one_file_only(derived: DerivedStore) -> None:
    file, other = a_file(), a_file()
    for key in ("a" * 64, "b" * 64):
        await make(derived, file, b"x", key)
    kept = await make(derived, other, b"y")

    await derived.drop(file)
    await derived.drop(file)

    assert derived.cached(file, "a" * 64) is None
    assert await derived.get(file, "b" * 64) is None
    assert await derived.get(other, KEY) == kept


async def test_a_draft_that_a_drop_overtakes_is_not_kept(derived: DerivedStore, folder: Path) -> None:
    """The file was removed while its preview was being rendered."""
    file = a_file()
    async with derived.draft(file, KEY) as draft:
        os.write(draft.fd, b"private")
        await derived.drop(file)
        with pytest.raises(ObjectMissing):
            await draft.commit(content_type="image/webp", width=1, height=1)

    assert await derived.get(file, KEY) is None
    assert [path for path in folder.rglob("*") if path.is_file()] == []


async def test_drafts_of_one_key_at_once_leave_one_whole_result(derived: DerivedStore, folder: Path) -> None:
    file = a_file()
    contents = [bytes([n]) * 20_000 for n in range(8)]

    await asyncio.gather(*(make(derived, file, content) for content in contents))

    assert content_of(await derived.get(file, KEY)) in contents
    await make(derived, file, b"last")
    assert [path.read_bytes() for path in folder.rglob("*") if path.is_file()] == [b"last"]


async def test_results_survive_a_restart(derived: DerivedStore, reopened: Callable[[], DerivedStore]) -> None:
    file = a_file()
    small, large = await make(derived, file, b"x", "a" * 64), await make(derived, file, bytes(50_000), "b" * 64)

    again = reopened()

    assert again.cached(file, "a" * 64) is None
    assert await again.get(file, "a" * 64) == small
    assert again.cached(file, "a" * 64) == small
    assert await again.get(file, "b" * 64) == large


@pytest.mark.parametrize("size", [5_000, 50_000])
@pytest.mark.parametrize("damage", ["truncated", "zeroed", "longer", "empty"])
async def test_a_damaged_result_counts_as_absent(
    derived: DerivedStore, reopened: Callable[[], DerivedStore], size: int, damage: str
) -> None:
    """A power failure may leave anything, as nothing is fsynced here."""
    file, content = a_file(), os.urandom(size)
    path = Path((await make(derived, file, content)).path)
    path.write_bytes({"truncated": content[:-1], "zeroed": bytes(size), "longer": content + b"x", "empty": b""}[damage])

    again = reopened()

    assert await again.get(file, KEY) is None
    assert not path.exists()
    assert content_of(await make(again, file, content)) == content


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def test_the_bound_holds_and_the_least_recently_used_go_first(derived: DerivedStore, folder: Path) -> None:
    """A megabyte is the bound, ten results fit."""
    favourite = a_file()
    await make(derived, favourite, bytes(95_000))
    files = [a_file() for _ in range(30)]
    for file in files:
        await make(derived, file, os.urandom(95_000))
        assert used(folder) <= 1_000_000
        assert await derived.get(favourite, KEY)

    kept = [file for file in files if await derived.get(file, KEY)]
    assert kept == files[-9:]


async def test_the_bound_holds_with_many_at_once(derived: DerivedStore, folder: Path) -> None:
    await asyncio.gather(*(make(derived, a_file(), os.urandom(70_000)) for _ in range(60)))

    assert 800_000 < used(folder) <= 1_000_000


async def test_memory_is_bounded_and_what_it_serves_stays(derived: DerivedStore) -> None:
    """200 kB of memory hold some twenty results of 9 kB; the disk holds a hundred."""
    files = [a_file() for _ in range(300)]
    for file in files:
        await make(derived, file, os.urandom(9_000))
        assert derived.cached(files[0], KEY)

    assert 15 <= sum(derived.cached(file, KEY) is not None for file in files) <= 20
    assert content_of(await derived.get(files[0], KEY))


async def test_the_bound_holds_after_a_restart_with_a_smaller_one(
    derived: DerivedStore, folder: Path, reopened: Callable[..., DerivedStore]
) -> None:
    files = [a_file() for _ in range(10)]
    for n, file in enumerate(files):
        made = await make(derived, file, os.urandom(90_000))
        os.utime(made.path, (n, n))  # used in this order, long ago

    again = reopened(max_bytes=300_000)
    await again.get(a_file(), KEY)
    for _ in range(100):
        await asyncio.sleep(0.02)
        if used(folder) <= 300_000:
            break

    assert used(folder) <= 300_000
    assert [file for file in files if await again.get(file, KEY)] == files[-3:]


async def test_leftovers_are_cleared_at_the_start(
    derived: DerivedStore, folder: Path, reopened: Callable[[], DerivedStore]
) -> None:
    await make(derived, a_file(), b"x")
    broken = folder / ".tmp" / "broken.0123"
    broken.write_bytes(b"half")

    await reopened().get(a_file(), KEY)
    for _ in range(100):
        await asyncio.sleep(0.02)
        if not broken.exists():
            break

    assert not broken.exists()


async def test_a_result_larger_than_the_bound_is_refused(derived: DerivedStore) -> None:
    file = a_file()
    kept = await make(derived, file, b"x", "a" * 64)

    with pytest.raises(StorageFull):
        await make(derived, file, bytes(1_000_001))

    assert await derived.get(file, "a" * 64) == kept


async def test_what_is_dropped_while_it_is_read_does_not_stay_in_memory(
    derived: DerivedStore, reopened: Callable[[], DerivedStore]
) -> None:
    files = [a_file() for _ in range(50)]
    for file in files:
        await make(derived, file, bytes(5_000))
    again = reopened()  # nothing is in its memory yet

    for file in files:
        await asyncio.gather(again.get(file, KEY), again.drop(file), again.get(file, KEY))

        assert again.cached(file, KEY) is None
        assert await again.get(file, KEY) is None
