"""One computation per key: a queue in this process, `flock` between the processes of this machine (decision 23).

The kernel lets go of a dead process's locks, so nothing has to expire. A lock file is removed by its holder; whoever
then locks a file that has lost its name tries again.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

from longshore.core.errors import Busy, Upstream

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.05
_RETRY = timedelta(seconds=2)


class _Queue:
    """`users` counts those who hold or wait, so that the last one removes the entry."""

    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class LocalSingleFlight:
    """`ports.coordination.SingleFlight`. To be used from one event loop; `folder` must be on a local file system, as
    its few microseconds of work are done on the loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queues: dict[str, _Queue] = {}

    @contextlib.asynccontextmanager
    async def hold(self, key: str, *, within: timedelta) -> AsyncGenerator[None]:
        queue = self._queues.setdefault(key, _Queue())
        queue.users += 1
        fd = -1
        try:
            try:
                async with asyncio.timeout(within.total_seconds()):
                    await queue.lock.acquire()
                    try:
                        fd, path = await self._lock_file(key)
                    except BaseException:
                        queue.lock.release()
                        raise
            except TimeoutError as error:
                raise Busy("Somebody else is at work on the same thing", retry_after=_RETRY) from error
            try:
                yield
            finally:
                path.unlink(missing_ok=True)  # while it is locked: nobody can be inside by this name
                os.close(fd)
                queue.lock.release()
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[key]

    async def _lock_file(self, key: str) -> tuple[int, Path]:
        """Locked, and still the file that others would find. Raises Upstream."""
        path = self._folder / hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        pause = _FIRST_PAUSE
        while True:
            try:
                fd = self._try(path)
            except OSError as error:
                raise Upstream("The folder for locks cannot be used", retry_after=_RETRY) from error
            if fd is not None:
                return fd, path
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _try(self, path: Path) -> int | None:
        try:
            fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                return fd
        except BlockingIOError:
            pass
        os.close(fd)
        return None
