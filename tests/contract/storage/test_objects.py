"""`ObjectStore`: what was acknowledged is there, what was not leaves nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from longshore.core.ids import FileId
from longshore.core.sizes import MIB
from longshore.ports.storage import BodyTooLarge, Bucket, LinkUsed, ObjectKey, ObjectMissing, ObjectStore
from tests.contract.storage.conftest import Storage, a_key, body, whole


def later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=5)


async def listed(objects: ObjectStore, bucket: Bucket, older_than: datetime) -> list[ObjectKey]:
    return [key async for key in objects.list(bucket, older_than=older_than)]


async def test_what_is_put_is_read_back(objects: ObjectStore) -> None:
    content = os.urandom(5 * MIB + 17)
    key = a_key()

    stored = await objects.put(key, body(content[:10], b"", content[10 : 3 * MIB], content[3 * MIB :]), limit=6 * MIB)

    assert stored.size == len(content)
    described = await objects.head(key)
    assert described is not None
    assert (described.size, described.etag) == (stored.size, stored.etag)
    assert abs(described.modified_at - stored.modified_at) <= timedelta(seconds=1)
    assert abs(stored.modified_at - datetime.now(UTC)) < timedelta(seconds=10)
    pieces = [piece async for piece in objects.read(key)]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= MIB


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 4 * MIB])
async def test_any_size_is_kept_exactly(objects: ObjectStore, size: int) -> None:
    content = os.urandom(size)
    key = a_key()

    await objects.put(key, body(content), limit=size)

    assert await whole(objects.read(key)) == content


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (5, None), (0, 0), (99, 100), (100, None), (10, 10), (MIB - 1, MIB + 1), (7, 3 * MIB)]
)
async def test_a_part_is_read_like_a_slice(objects: ObjectStore, start: int, end: int | None) -> None:
    content = os.urandom(2 * MIB + 100)
    key = a_key()
    await objects.put(key, body(content), limit=len(content))

    assert await whole(objects.read(key, start=start, end=end)) == content[start:end]


async def test_a_reader_may_leave_early(objects: ObjectStore) -> None:
    key = a_key()
    await objects.put(key, body(bytes(4 * MIB)), limit=4 * MIB)

    async for piece in objects.read(key):
        assert 0 < len(piece) <= MIB
        break

    assert await objects.head(key)


async def test_put_replaces_what_was_there(storage: Storage) -> None:
    key = a_key()
    first = await storage.objects.put(key, body(b"first"), limit=9)
    second = await storage.objects.put(key, body(b"second"), limit=9)

    assert await whole(storage.objects.read(key)) == b"second"
    assert second.etag != first.etag
    assert storage.remains() == [key.name]


async def test_nothing_is_there_before_it_was_put(objects: ObjectStore) -> None:
    key = a_key()

    assert await objects.head(key) is None
    with pytest.raises(ObjectMissing):
        await whole(objects.read(key))
    with pytest.raises(ObjectMissing):
        async with objects.open(key):
            pass


async def test_keys_do_not_get_into_each_others_way(objects: ObjectStore) -> None:
    """A key may be the beginning of another."""
    keys = [ObjectKey(Bucket.FILES, name) for name in ("a", "a/b", "a/b/c", "a-b", "ab", "a_b")]
    for key in keys:
        await objects.put(key, body(key.name.encode()), limit=99)

    for key in keys:
        assert await whole(objects.read(key)) == key.name.encode()
    assert set(await listed(objects, Bucket.FILES, later())) == set(keys)
    assert await listed(objects, Bucket.INCOMING, later()) == []


@pytest.mark.parametrize(
    "name", ["..", "../x", "a/../b", "/etc/passwd", "a//b", "", "a/b/c/d", "a\0", "a~b", "a.b", "ä"]
)
async def test_what_is_no_key_reaches_no_file(storage: Storage, name: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await storage.objects.put(ObjectKey(Bucket.FILES, name), body(b"x"), limit=9)
    with pytest.raises(ValueError, match="not a key"):
        await storage.objects.delete(ObjectKey(Bucket.FILES, name))


async def test_a_body_over_the_limit_leaves_nothing(storage: Storage) -> None:
    key = a_key()

    with pytest.raises(BodyTooLarge):
        await storage.objects.put(key, body(bytes(3 * MIB), bytes(3 * MIB)), limit=4 * MIB)

    assert await storage.objects.head(key) is None
    assert storage.remains() == []


async def test_a_body_that_fails_leaves_nothing_and_keeps_what_was_there(storage: Storage) -> None:
    key = a_key()
    await storage.objects.put(key, body(b"before"), limit=9)

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(5 * MIB)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await storage.objects.put(key, broken(), limit=9 * MIB)

    assert await whole(storage.objects.read(key)) == b"before"
    assert storage.remains() == [key.name]


async def test_a_cancelled_put_leaves_nothing(storage: Storage) -> None:
    key = a_key()
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield bytes(MIB)
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(storage.objects.put(key, endless(), limit=99 * MIB))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await storage.objects.head(key) is None
    assert storage.remains() == []


async def test_cancelled_at_any_moment_an_object_is_whole_or_absent(disk_storage: Storage) -> None:
    """Also in the very moment in which it becomes visible. (A remote store may hear of the end too late.)"""
    storage = disk_storage
    before = len(list(Path("/proc/self/fd").iterdir()))
    content = os.urandom(3 * MIB)
    for step in range(60):
        key = a_key()
        task = asyncio.create_task(storage.objects.put(key, body(content[:MIB], content[MIB:]), limit=3 * MIB))
        await asyncio.sleep(step / 5000)
        task.cancel()
        await asyncio.wait([task])
        stored = await storage.objects.head(key)
        assert stored is None or stored.size == len(content)
        await storage.objects.delete(key)
    await asyncio.sleep(0.2)

    assert storage.remains() == []
    assert len(list(Path("/proc/self/fd").iterdir())) < before + 10


async def test_files_are_private(disk_storage: Storage) -> None:
    storage = disk_storage
    await storage.objects.put(a_key(), body(b"x"), limit=9)

    for path in [storage.folder, *storage.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


async def test_sealing_moves_the_bytes_and_can_be_repeated(objects: ObjectStore) -> None:
    source, target = a_key(), ObjectKey.sealed(FileId(uuid4()), "random")
    stored = await objects.put(source, body(b"bytes"), limit=9)

    sealed = await objects.seal(source, target)
    assert (await objects.seal(source, target)).stored.size == sealed.stored.size == stored.size
    await objects.retire(source)
    await objects.retire(source)

    assert sealed.key.name.startswith(target.name)
    assert await objects.head(source) is None
    assert await objects.head(sealed.key) == sealed.stored
    assert await whole(objects.read(sealed.key)) == b"bytes"


async def test_sealing_nothing_says_so_and_closes_nothing(objects: ObjectStore) -> None:
    source, target = a_key(), ObjectKey.sealed(FileId(uuid4()), "random")

    with pytest.raises(ObjectMissing):
        await objects.seal(source, target)
    await objects.put(source, body(b"bytes"), limit=9)

    assert (await objects.seal(source, target)).stored.size == 5


async def test_sealing_many_times_at_once_is_sealing_once(objects: ObjectStore) -> None:
    source, target = a_key(), ObjectKey.sealed(FileId(uuid4()), "random")
    stored = await objects.put(source, body(b"bytes"), limit=9)

    for sealed in await asyncio.gather(*(objects.seal(source, target) for _ in range(8))):
        assert sealed.stored.size == stored.size
        assert await whole(objects.read(sealed.key)) == b"bytes"


async def test_a_sealed_key_takes_no_more_bytes(storage: Storage) -> None:
    source, target = a_key(), ObjectKey.sealed(FileId(uuid4()), "random")
    await storage.objects.put(source, body(b"bytes"), limit=9)
    sealed = await storage.objects.seal(source, target)
    await storage.objects.retire(source)
    await storage.objects.delete(source)  # a tidy caller does not open it again

    with pytest.raises(LinkUsed):
        await storage.objects.put(source, body(b"other"), limit=9)

    assert await storage.objects.head(source) is None
    assert await whole(storage.objects.read(sealed.key)) == b"bytes"


async def test_a_put_that_a_seal_overtakes_is_refused(disk_storage: Storage) -> None:
    """The body was still arriving when somebody confirmed. (S3 takes it, and nobody ever reads it.)"""
    storage = disk_storage
    source, target = a_key(), ObjectKey.sealed(FileId(uuid4()), "random")
    await storage.objects.put(source, body(b"bytes"), limit=9)

    async def slow() -> AsyncIterator[bytes]:
        yield b"late"
        await storage.objects.seal(source, target)

    with pytest.raises(LinkUsed):
        await storage.objects.put(source, slow(), limit=9)

    assert await storage.objects.head(source) is None
    assert await whole(storage.objects.read(target)) == b"bytes"


async def test_moving_can_be_repeated_and_leaves_the_old_key_usable(objects: ObjectStore) -> None:
    file = FileId(uuid4())
    source, target = ObjectKey.sealed(file, "x"), ObjectKey.quarantined(file, "x")
    await objects.put(source, body(b"virus"), limit=9)

    await objects.move(source, target)
    await objects.move(source, target)

    assert await objects.head(source) is None
    assert await whole(objects.read(target)) == b"virus"
    await objects.put(source, body(b"again"), limit=9)


async def test_deleting_can_be_repeated(storage: Storage) -> None:
    key = a_key()
    await storage.objects.put(key, body(b"x"), limit=9)

    await storage.objects.delete(key)
    await storage.objects.delete(key)

    assert await storage.objects.head(key) is None
    assert storage.remains() == []


async def test_an_open_object_is_read_only_and_outlives_its_deletion(objects: ObjectStore) -> None:
    key = a_key()
    await objects.put(key, body(b"content"), limit=9)

    async with objects.open(key) as fd:
        await objects.delete(key)
        assert os.pread(fd, 100, 0) == b"content"
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(fd, b"x")

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


async def test_only_old_objects_are_listed(objects: ObjectStore) -> None:
    key = a_key()
    await objects.put(key, body(b"x"), limit=9)

    assert await listed(objects, Bucket.INCOMING, datetime.now(UTC) - timedelta(hours=1)) == []
    assert await listed(objects, Bucket.INCOMING, later()) == [key]


async def test_many_puts_at_once_all_arrive(objects: ObjectStore) -> None:
    contents = {a_key(): os.urandom(100_000) for _ in range(50)}

    await asyncio.gather(*(objects.put(key, body(content), limit=100_000) for key, content in contents.items()))

    for key, content in contents.items():
        assert hashlib.sha256(await whole(objects.read(key))).digest() == hashlib.sha256(content).digest()


async def test_racing_puts_of_one_key_leave_one_whole(storage: Storage) -> None:
    key = a_key()
    contents = [bytes([n]) * 300_000 for n in range(10)]

    await asyncio.gather(*(storage.objects.put(key, body(content), limit=300_000) for content in contents))

    assert await whole(storage.objects.read(key)) in contents
    assert storage.remains() == [key.name]


async def test_checking_says_where_and_leaves_nothing(storage: Storage) -> None:
    assert storage.where in await storage.objects.check()
    assert storage.remains() == []
