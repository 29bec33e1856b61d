"""Originals on the local disk: a bounded cache, because rendering wants a file descriptor.

A cached file is named by its key and entity tag, so that no other bytes are ever taken for it. The least recently used
go first; an open descriptor outlives that.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from longshore.core.errors import StorageFull, Upstream

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_BROKEN_AFTER = 24 * 3600
"""Seconds; bringing an original takes less."""


class Originals:
    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Touches nothing yet."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._sizes: OrderedDict[str, int] | None = None
        self._bringing: dict[str, asyncio.Lock] = {}

    @contextlib.asynccontextmanager
    async def open(
        self, key: str, etag: str, size: int, body: Callable[[], AsyncIterator[bytes]]
    ) -> AsyncGenerator[int]:
        """A read-only descriptor on `body`'s bytes, brought here unless they are. Raises StorageFull, and what `body`
        raises."""
        name = f"{_folder_of(key)}-{hashlib.blake2b(etag.encode(), digest_size=8).hexdigest()}"
        lock = self._bringing.setdefault(name, asyncio.Lock())
        async with lock:
            fd = await _opened(os.close, self._find, name)
            if fd < 0:
                fd = await self._bring(name, size, body)
            if len(self._bringing) > 1000:
                self._bringing = {name: lock for name, lock in self._bringing.items() if lock.locked()}
        try:
            yield fd
        finally:
            os.close(fd)

    async def drop(self, key: str) -> None:
        """Forget what was brought of `key`."""
        await _in_thread(self._drop, _folder_of(key))

    async def _bring(self, name: str, size: int, body: Callable[[], AsyncIterator[bytes]]) -> int:
        fd, path = await _opened(_abandon, self._begin)
        try:
            async with contextlib.aclosing(_closable(body())) as pieces:
                async for piece in pieces:
                    await _in_thread(_write, fd, piece)
            return await _opened(os.close, self._keep, fd, path, name, size)
        finally:
            _abandon((fd, path))

    # What follows runs in a thread. The GIL makes each step on `_sizes` whole; two threads may at worst trim twice.

    def _begin(self) -> tuple[int, Path]:
        with _translated():
            self._known()
            fd, path = tempfile.mkstemp(prefix=".", dir=self._folder)
            return fd, Path(path)

    def _find(self, name: str) -> int:
        with _translated():
            sizes = self._known()
            try:
                fd = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                sizes.pop(name, None)
                return -1
            if name in sizes:
                sizes.move_to_end(name)
            return fd

    def _keep(self, fd: int, path: Path, name: str, size: int) -> int:
        """A descriptor that cannot write. What does not fit is forgotten as soon as it is closed."""
        with _translated():
            if os.fstat(fd).st_size != size:
                raise Upstream("The object store sent another number of bytes than it announced")
            kept = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            if size > self._max_bytes:
                return kept
            path.rename(self._folder / name)
            sizes = self._known()
            sizes[name] = size
            while sum(sizes.values()) > self._max_bytes:
                oldest, _ = sizes.popitem(last=False)
                (self._folder / oldest).unlink(missing_ok=True)
            return kept

    def _drop(self, folder: str) -> None:
        with _translated():
            sizes = self._known()
            for name in [name for name in sizes if name.startswith(folder)]:
                sizes.pop(name, None)
                (self._folder / name).unlink(missing_ok=True)

    def _known(self) -> OrderedDict[str, int]:
        if self._sizes is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found: list[tuple[float, str, int]] = []
            for path in self._folder.iterdir():
                status = path.stat()
                if not path.name.startswith("."):
                    found.append((status.st_atime, path.name, status.st_size))
                elif time.time() - status.st_mtime > _BROKEN_AFTER:
                    path.unlink(missing_ok=True)  # somebody ended while it was brought
            self._sizes = OrderedDict((name, size) for _, name, size in sorted(found))
        return self._sizes


def _folder_of(key: str) -> str:
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def _write(fd: int, piece: bytes) -> None:
    with _translated():
        view = memoryview(piece)
        while view:
            view = view[os.write(fd, view) :]


async def _closable(body: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    async for piece in body:
        yield piece


def _abandon(begun: tuple[int, Path]) -> None:
    os.close(begun[0])
    begun[1].unlink(missing_ok=True)


async def _opened(closed: Callable[[T], object], work: Callable[[*Ts], T], *args: *Ts) -> T:
    """What `work` opens in a thread; given to `closed` if the caller is cancelled meanwhile."""
    opening = asyncio.get_running_loop().run_in_executor(None, work, *args)

    def close_late(opening: asyncio.Future[T]) -> None:
        if not opening.cancelled() and opening.exception() is None:
            closed(opening.result())

    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(close_late)
        raise


async def _in_thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, work, *args)


@contextlib.contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(retry_after=timedelta(minutes=1)) from error
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise Upstream(f"The folder for originals does not answer as it should ({name})") from error
