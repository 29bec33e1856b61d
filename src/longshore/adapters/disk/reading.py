"""From a file to an async iterator, one piece ahead of the reader."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor

from longshore.adapters.disk.faults import translated

PIECE = 1 << 20


class _Source:
    """A descriptor that one thread may read while another wants to close it."""

    def __init__(self, opened: Callable[[], int]) -> None:
        self._lock = threading.Lock()
        self._opened = opened
        self._fd = -1
        self._closed = False

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes; fewer only at the end of the file. Raises what opening raises, Upstream."""
        with self._lock:
            if self._closed:
                return b""
            if self._fd < 0:
                self._fd = self._opened()
                with contextlib.suppress(OSError):
                    os.posix_fadvise(self._fd, start, 0, os.POSIX_FADV_SEQUENTIAL)
            with translated():
                return os.pread(self._fd, length, start)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


async def pieces(opened: Callable[[], int], start: int, end: int | None, executor: Executor) -> AsyncIterator[bytes]:
    """The bytes from `start` to `end` (exclusive, or the file's end), at most PIECE at a time."""
    loop = asyncio.get_running_loop()
    source = _Source(opened)
    reading: asyncio.Future[bytes] | None = None

    def read(position: int) -> asyncio.Future[bytes]:
        length = PIECE if end is None else max(0, min(PIECE, end - position))
        return loop.run_in_executor(executor, source.read, position, length)

    try:
        reading = read(start)
        while reading is not None:
            piece = await reading
            start += len(piece)
            reading = read(start) if len(piece) == PIECE and (end is None or start < end) else None
            if piece:
                yield piece
    finally:
        if reading is not None:
            reading.add_done_callback(_ignore)
        # not awaited: an iterator may be dropped where nobody can wait for it
        loop.run_in_executor(executor, source.close)


def _ignore(reading: asyncio.Future[bytes]) -> None:
    if not reading.cancelled():
        reading.exception()
