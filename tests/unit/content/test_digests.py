"""Digests of a stream are those of the whole, however it was cut."""

import asyncio
import hashlib
import random

import pytest

from longshore.adapters.content import StreamDigesters
from longshore.core.digests import Digests

MIB = 1 << 20


@pytest.mark.parametrize(
    ("content", "digests"),
    [
        (
            b"",
            Digests(
                sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                md5="d41d8cd98f00b204e9800998ecf8427e",
                crc32c="00000000",
            ),
        ),
        (
            b"123456789",  # the check value of every CRC catalogue
            Digests(
                sha256="15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
                md5="25f9e794323b453885f5181f1b624d0b",
                crc32c="e3069283",
            ),
        ),
    ],
)
async def test_known_values(content: bytes, digests: Digests) -> None:
    digester = StreamDigesters().begin()
    await digester.update(content)

    assert digester.finish() == digests


@pytest.mark.parametrize("size", [1000, 16 * 1024, 16 * 1024 + 1, MIB, 3 * MIB])
async def test_the_cut_does_not_matter(size: int) -> None:
    content = random.Random(1).randbytes(3 * MIB + 7)
    digester, whole = StreamDigesters().begin(), StreamDigesters().begin()
    await whole.update(content)
    for start in range(0, len(content), size):
        await digester.update(content[start : start + size])

    assert digester.finish() == whole.finish()
    assert digester.finish().sha256 == hashlib.sha256(content).hexdigest()


async def test_streams_side_by_side_do_not_mix() -> None:
    async def one(seed: int) -> tuple[str, str]:
        content = random.Random(seed).randbytes(300_000)
        digester = digesters.begin()
        for start in range(0, len(content), 50_000):
            await digester.update(content[start : start + 50_000])
        return digester.finish().md5, hashlib.md5(content).hexdigest()

    digesters = StreamDigesters()
    for got, expected in await asyncio.gather(*(one(seed) for seed in range(20))):
        assert got == expected


async def test_the_event_loop_goes_on_while_hashing() -> None:
    """64 MiB take about 130 ms: other tasks must run meanwhile."""
    digester = StreamDigesters().begin()
    hashing = asyncio.create_task(digester.update(bytes(64 * MIB)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert turns > 5
