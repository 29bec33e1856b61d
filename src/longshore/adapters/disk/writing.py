"""From an async body to a file: receiving and writing overlap, and memory stays bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor

from longshore.adapters.disk.faults import translated
from longshore.adapters.disk.pending import Pending

#: Handing a piece to a thread costs about 50 µs whatever its size; two of these are in memory at most.
BATCH = 2 << 20


async def write_body(pending: Pending, body: AsyncIterator[bytes], executor: Executor) -> None:
    """Write all of `body`. Raises StorageFull, Upstream, and what `body` raises; then a last write may still be going
    on in a thread, which `Pending.close` waits for.
    """
    loop = asyncio.get_running_loop()
    writing: asyncio.Future[None] | None = None
    batch: list[bytes] = []
    gathered = 0
    try:
        async for piece in body:
            batch.append(piece)
            gathered += len(piece)
            if gathered >= BATCH:
                if writing is not None:
                    await writing
                writing = loop.run_in_executor(executor, _write, pending, batch)
                batch, gathered = [], 0
        if writing is not None:
            await writing
        writing = None
        if batch:
            await loop.run_in_executor(executor, _write, pending, batch)
    finally:
        if writing is not None:
            writing.add_done_callback(_ignore)  # the body failed first, and that is what the caller hears of


def _write(pending: Pending, batch: list[bytes]) -> None:
    with translated():
        pending.write(batch)


def _ignore(writing: asyncio.Future[None]) -> None:
    if not writing.cancelled():
        writing.exception()
