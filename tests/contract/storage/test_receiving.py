"""`LinkReceiver.receive`: the grant is enforced while the bytes come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from longshore.core.errors import StorageFull
from longshore.core.ids import FileId
from longshore.core.sizes import MAX_SIZE, MIB
from longshore.ports.storage import (
    BodyIncomplete,
    BodyTooLarge,
    BodyTooShort,
    LinkGrant,
    LinkUsed,
    ObjectKey,
    Stored,
)
from tests.contract.storage.conftest import Storage, a_key, body, constraints, whole


@pytest.fixture
def storage(disk_storage: Storage) -> Storage:
    """S3's links end in the store: tests/integration/s3."""
    return disk_storage


def grant(low: int = 1, high: int = 1000, *, write_once: bool = True) -> LinkGrant:
    return LinkGrant(key=a_key(), constraints=constraints(low, high), write_once=write_once)


async def unread() -> AsyncIterator[bytes]:
    pytest.fail("nothing should have been read")
    yield b""


@pytest.mark.parametrize("announced", [None, 5])
async def test_a_body_within_the_limits_is_stored(storage: Storage, announced: int | None) -> None:
    given = grant(5, 5)

    stored = await storage.receiver.receive(given, body(b"he", b"llo"), announced=announced)

    assert stored == await storage.objects.head(given.key)
    assert await whole(storage.objects.read(given.key)) == b"hello"


async def test_an_empty_body_is_stored_where_that_is_allowed(storage: Storage) -> None:
    given = grant(0, 5)

    assert (await storage.receiver.receive(given, body(), announced=0)).size == 0


async def test_what_is_announced_is_judged_before_a_byte_is_read(storage: Storage) -> None:
    with pytest.raises(BodyTooLarge):
        await storage.receiver.receive(grant(), unread(), announced=1001)
    with pytest.raises(BodyTooShort):
        await storage.receiver.receive(grant(), unread(), announced=0)
    with pytest.raises(StorageFull):
        await storage.receiver.receive(grant(1, MAX_SIZE), unread(), announced=MAX_SIZE)
    assert storage.remains() == []


@pytest.mark.parametrize(
    ("low", "high", "size", "announced", "problem"),
    [
        (1, 1000, 1001, None, BodyTooLarge),
        (1, 1000, 1001, 500, BodyTooLarge),
        (10, 1000, 9, None, BodyTooShort),
        (1, 1000, 0, None, BodyTooShort),
        (1, 1000, 499, 500, BodyIncomplete),
        (1, 1000, 501, 500, BodyIncomplete),
    ],
)
async def test_sizes_that_lie_leave_nothing(
    storage: Storage, low: int, high: int, size: int, announced: int | None, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        await storage.receiver.receive(grant(low, high), body(bytes(size)), announced=announced)
    assert storage.remains() == []


async def test_reading_stops_at_the_limit(storage: Storage) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += MIB
            yield bytes(MIB)

    with pytest.raises(BodyTooLarge):
        await storage.receiver.receive(grant(1, 3 * MIB), endless(), announced=None)
    assert taken == 4 * MIB
    assert storage.remains() == []


async def test_a_sender_who_leaves_leaves_nothing(storage: Storage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(100)
        raise BodyIncomplete

    with pytest.raises(BodyIncomplete):
        await storage.receiver.receive(grant(), broken(), announced=None)
    assert storage.remains() == []


async def test_a_put_link_works_once_and_says_so_before_reading(storage: Storage) -> None:
    given = grant()
    await storage.receiver.receive(given, body(b"first"), announced=5)

    with pytest.raises(LinkUsed):
        await storage.receiver.receive(given, unread(), announced=5)
    assert await whole(storage.objects.read(given.key)) == b"first"


async def test_of_racing_puts_exactly_one_wins(storage: Storage) -> None:
    for _ in range(10):
        given = grant()
        together = asyncio.Barrier(8)

        async def racer(content: bytes, given: LinkGrant = given, together: asyncio.Barrier = together) -> Stored:
            async def late() -> AsyncIterator[bytes]:
                yield content
                await together.wait()  # all have begun, none has ended

            return await storage.receiver.receive(given, late(), announced=None)

        results = await asyncio.gather(*(racer(b"%d" % n) for n in range(8)), return_exceptions=True)

        winners = [n for n, result in enumerate(results) if isinstance(result, Stored)]
        assert len(winners) == 1
        assert sum(isinstance(result, LinkUsed) for result in results) == 7
        assert await whole(storage.objects.read(given.key)) == b"%d" % winners[0]


async def test_a_form_can_be_repeated_until_it_is_sealed(storage: Storage) -> None:
    given = grant(write_once=False)
    await storage.receiver.receive(given, body(b"first"), announced=None)
    await storage.receiver.receive(given, body(b"second"), announced=None)
    sealed = ObjectKey.sealed(FileId(uuid4()), "x")
    await storage.objects.seal(given.key, sealed)

    for once in (False, True):
        with pytest.raises(LinkUsed):
            await storage.receiver.receive(replace(given, write_once=once), unread(), announced=None)
    assert await whole(storage.objects.read(sealed)) == b"second"
