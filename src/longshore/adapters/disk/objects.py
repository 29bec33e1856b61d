"""Objects as files. What was acknowledged survives a crash; what was not is invisible.

Writing: bytes go to a file without a name, are fsynced, get their name, and the folder is fsynced; only then is
success reported. Names change under a `flock` on the folder they lie in, so that a late write and a seal of the same
key cannot pass each other, in whatever process they run.

Sealing: an empty `.sealed` file is made before the object is renamed away, and writes look for it. It is swept like an
object, but not before every link to the key must have expired (`sealed_for`).

What a broken write may leave (only where the file system has no O_TMPFILE, or between two system calls) is listed
under the key it was for, and deleted with that key.

All work is done by a bounded pool of threads; a caller has at most one call and one early read or write in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar, TypeVarTuple
from uuid import uuid4

from longshore.adapters.disk.faults import storage_full, translated
from longshore.adapters.disk.layout import SEALED, Layout
from longshore.adapters.disk.pending import Pending, is_abandoned
from longshore.adapters.disk.reading import pieces
from longshore.adapters.disk.sync import make_folder, sync_folder
from longshore.adapters.disk.writing import write_body
from longshore.core.sizes import show_size
from longshore.core.time import from_micros
from longshore.core.upload import OPEN_LIFETIME
from longshore.ports.storage import BodyTooLarge, Bucket, LinkUsed, ObjectKey, ObjectMissing, Sealed, Stored

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class DiskObjectStore:
    """`ports.storage.ObjectStore` below one folder, which must be one file system. Content types are not kept."""

    def __init__(self, root: Path, *, threads: int = 16, sealed_for: timedelta = 2 * OPEN_LIFETIME) -> None:
        """Touches nothing yet. `sealed_for` must exceed the lifetime of links."""
        self._layout = Layout(root)
        self._sealed_for = sealed_for
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="disk")

    def close(self) -> None:
        """Wait for the calls that are in flight and end the threads."""
        self._pool.shutdown()

    async def put(
        self, key: ObjectKey, body: AsyncIterator[bytes], *, limit: int, content_type: str | None = None
    ) -> Stored:
        async with contextlib.aclosing(_up_to(limit, body)) as capped:
            return await self.write(key, capped, once=False)

    async def write(self, key: ObjectKey, body: AsyncIterator[bytes], *, once: bool) -> Stored:
        """Like `put`, without a limit; `once` refuses a key that is taken.

        Raises LinkUsed (before the first byte is read, if it is known then), StorageFull, Upstream, and what `body`
        raises. Cancelled before the name is given, nothing stays; after it, the object is whole.
        """
        async with self._held(self._begin, lambda pending: pending.close(), key, once) as pending:
            await write_body(pending, body, self._pool)
            return await self._run(self._publish, pending, key, once)

    async def require_room(self, size: int) -> None:
        """Refuse a body that cannot fit before it is sent. A look, not a reservation: reserving what is merely
        announced would let anybody with a link fill the disk without sending a byte. Raises StorageFull, Upstream.
        """
        await self._run(self._require_room, size)

    def read(self, key: ObjectKey, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return pieces(lambda: self._open(key), start, end, self._pool)

    async def head(self, key: ObjectKey) -> Stored | None:
        return await self._run(self._head, key)

    async def seal(self, source: ObjectKey, target: ObjectKey) -> Sealed:
        return Sealed(key=target, stored=await self._run(self._rename, source, target, True))

    async def retire(self, key: ObjectKey) -> None:
        """Sealing has done it already, in one step."""

    async def move(self, source: ObjectKey, target: ObjectKey) -> None:
        await self._run(self._rename, source, target, False)

    async def delete(self, key: ObjectKey) -> None:
        await self._run(self._delete, key)

    @contextlib.asynccontextmanager
    async def open(self, key: ObjectKey) -> AsyncGenerator[int]:
        async with self._held(self._open, os.close, key) as fd:
            yield fd

    async def list(self, bucket: Bucket, *, older_than: datetime) -> AsyncIterator[ObjectKey]:
        for folder in await self._run(self._folders, bucket):
            for key in await self._run(self._old_keys, bucket, folder, older_than.timestamp()):
                yield key

    async def check(self) -> str:
        return await self._run(self._check)

    async def _run(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    @contextlib.asynccontextmanager
    async def _held(self, opened: Callable[[*Ts], T], closed: Callable[[T], None], *args: *Ts) -> AsyncGenerator[T]:
        """What `opened` returns, given to `closed` in the end, however early the caller is cancelled."""
        loop = asyncio.get_running_loop()
        opening = loop.run_in_executor(self._pool, opened, *args)

        def close_late(opening: asyncio.Future[T]) -> None:
            if not opening.cancelled() and opening.exception() is None:
                loop.run_in_executor(self._pool, closed, opening.result())

        try:
            held = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(close_late)
            raise
        try:
            yield held
        finally:
            await asyncio.shield(loop.run_in_executor(self._pool, closed, held))

    # What follows runs in a thread of the pool.

    def _require_room(self, size: int) -> None:
        with translated():
            make_folder(self._layout.root)
            if shutil.disk_usage(self._layout.root).free < size:
                raise storage_full()

    def _begin(self, key: ObjectKey, once: bool) -> Pending:
        with translated():
            folder = self._layout.folder(key)
            self._refuse_taken(key, once)
            make_folder(folder)
            make_folder(self._layout.temp(key.bucket))
            return Pending(folder, temp=self._layout.temp(key.bucket), label=self._layout.label(key))

    def _refuse_taken(self, key: ObjectKey, once: bool) -> None:
        if self._layout.seal(key).exists() or (once and self._layout.path(key).exists()):
            raise LinkUsed

    def _publish(self, pending: Pending, key: ObjectKey, once: bool) -> Stored:
        path = self._layout.path(key)
        with translated():
            pending.sync()
            with _locked(path.parent):
                self._refuse_taken(key, once)
                if once:
                    try:
                        pending.link(path)
                    except FileExistsError as error:
                        raise LinkUsed from error
                else:
                    pending.replace(path)
                stored = _describe(os.fstat(pending.fd))
            sync_folder(path.parent)
        return stored

    def _rename(self, source: ObjectKey, target: ObjectKey, seal: bool) -> Stored:
        old, new = self._layout.path(source), self._layout.path(target)
        with translated():
            make_folder(old.parent)
            make_folder(new.parent)
            with _locked(old.parent):
                if not new.exists():
                    if not old.exists():
                        raise ObjectMissing
                    if seal:
                        self._layout.seal(source).touch(mode=0o600)
                    with _missing_when_gone():
                        old.rename(new)
                with _missing_when_gone():
                    stored = _describe(new.stat())
            # Also when an earlier call did the renaming: it may have ended before this.
            sync_folder(new.parent)
            sync_folder(old.parent)
        return stored

    def _head(self, key: ObjectKey) -> Stored | None:
        with translated():
            try:
                return _describe(self._layout.path(key).stat())
            except FileNotFoundError:
                return None

    def _open(self, key: ObjectKey) -> int:
        with translated():
            try:
                return os.open(self._layout.path(key), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError as error:
                raise ObjectMissing from error

    def _delete(self, key: ObjectKey) -> None:
        label = self._layout.label(key)
        with translated():
            self._layout.path(key).unlink(missing_ok=True)
            seal = self._layout.seal(key)
            if seal.exists() and self._is_spent(seal.stat()):
                seal.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError), os.scandir(self._layout.temp(key.bucket)) as entries:
                for entry in entries:
                    if entry.name.startswith(f"{label}.") and is_abandoned(Path(entry.path)):
                        Path(entry.path).unlink(missing_ok=True)

    def _is_spent(self, seal: os.stat_result) -> bool:
        return time.time() - seal.st_mtime >= self._sealed_for.total_seconds()

    def _folders(self, bucket: Bucket) -> list[Path]:
        with translated():
            try:
                with os.scandir(self._layout.bucket(bucket)) as entries:
                    return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
            except FileNotFoundError:
                return []

    def _old_keys(self, bucket: Bucket, folder: Path, older_than: float) -> list[ObjectKey]:
        is_temp = folder == self._layout.temp(bucket)
        keys: dict[ObjectKey, None] = {}
        with translated(), contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                key = self._layout.key(bucket, entry.name)
                with contextlib.suppress(FileNotFoundError):
                    # ctime: a rename counts as a change, so that what was sealed a moment ago is not taken for old
                    status = entry.stat(follow_symlinks=False)
                    if key is None or status.st_ctime >= older_than:
                        continue
                    if entry.name.endswith(SEALED) and not self._is_spent(status):
                        continue
                    if not is_temp or is_abandoned(Path(entry.path)):
                        keys[key] = None
        return list(keys)

    def _check(self) -> str:
        key = ObjectKey(Bucket.INCOMING, f"check-{uuid4()}")
        with translated():
            pending = self._begin(key, once=True)
            try:
                pending.write([b"probe"])
                self._publish(pending, key, once=True)
            finally:
                pending.close()
            self._delete(key)
            free = shutil.disk_usage(self._layout.root).free
        return f"folder {self._layout.root}, {show_size(free)} free"


@contextlib.contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Nobody else changes names in `folder` inside. Held for a few system calls only."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _missing_when_gone() -> Generator[None]:
    """Deleting takes no lock, so a file may go between two looks at it."""
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing from error


def _describe(status: os.stat_result) -> Stored:
    """The tag follows the bytes through renames: it is made of what a rename leaves alone."""
    tag = f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
    return Stored(
        size=status.st_size,
        etag=hashlib.blake2b(tag.encode(), digest_size=16).hexdigest(),
        modified_at=from_micros(status.st_mtime_ns // 1000),
    )


async def _up_to(limit: int, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    size = 0
    async for piece in body:
        size += len(piece)
        if size > limit:
            raise BodyTooLarge(f"The limit is {limit} bytes", limit=limit)
        yield piece
