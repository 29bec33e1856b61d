"""One streaming read of a received file, split into digests, the beginning for type detection, and the scanner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from longshore.core.digests import Digests
from longshore.ports.content import Digesters, Scanner, ScannerFailed, Verdict
from longshore.ports.storage import ObjectKey, ObjectStore

_AHEAD = 4
"""Pieces of at most 1 MiB that may wait for the scanner: the read never runs further ahead than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one read found. `verdict` is None when nobody scanned; `failure` says that the scanner gave no answer."""

    size: int
    head: bytes
    digests: Digests
    verdict: Verdict | None
    failure: ScannerFailed | None


async def read_once(
    objects: ObjectStore,
    key: ObjectKey,
    *,
    digesters: Digesters,
    scanner: Scanner | None,
    head_size: int,
    heard: Callable[[int], None],
) -> Reading:
    """Read the object once. `heard` is told the number of bytes read so far. Raises ObjectMissing, Upstream."""
    digester = digesters.begin()
    head = bytearray()
    size = 0
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)
    scan = asyncio.create_task(scanner.scan(_drained(waiting))) if scanner else None
    try:
        async for piece in objects.read(key):
            if scan is not None and not scan.done():
                await _offer(waiting, piece, scan)
            await digester.update(piece)
            if len(head) < head_size:
                head += piece[: head_size - len(head)]
            size += len(piece)
            heard(size)
        verdict, failure = await _word(scan, waiting)
    finally:
        if scan is not None and not scan.done():
            scan.cancel()
            await asyncio.gather(scan, return_exceptions=True)
    return Reading(size=size, head=bytes(head), digests=digester.finish(), verdict=verdict, failure=failure)


async def _drained(waiting: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (piece := await waiting.get()) is not None:
        yield piece


async def _offer(waiting: asyncio.Queue[bytes | None], piece: bytes | None, scan: asyncio.Task[Verdict]) -> None:
    """Hand a piece to the scanner, unless it is done first: it may know enough, or have failed."""
    if not waiting.full():
        waiting.put_nowait(piece)
        return
    put = asyncio.ensure_future(waiting.put(piece))
    try:
        await asyncio.wait({put, scan}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not put.done():
            put.cancel()


async def _word(
    scan: asyncio.Task[Verdict] | None, waiting: asyncio.Queue[bytes | None]
) -> tuple[Verdict | None, ScannerFailed | None]:
    if scan is None:
        return None, None
    if not scan.done():
        await _offer(waiting, None, scan)
    try:
        return await scan, None
    except ScannerFailed as failure:
        return None, failure
