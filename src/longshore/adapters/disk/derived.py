"""Derived results as files, and the small ones in memory too.

    <root>/<first two characters>/<file id>/<key>.<size>.<width>x<height>.<made at>.<crc32>.<content type>

The name carries what has to be known, so one look into a small folder answers, and a result is visible with its facts
or not at all. Nothing is fsynced, because everything here can be made again; instead, size and checksum are compared
when a result is first read after a start, and what a power failure has damaged counts as absent.

Eviction goes by an index in memory in order of use. It is rebuilt in the background after a start, from the files'
times of modification, which reading renews at most hourly. Until it is complete, the bound may be exceeded by what was
there before. A path handed out may be evicted before it is opened: take that for a miss.

Decisions are made on the event loop (one only), work on files in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import time
import zlib
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from longshore.adapters.disk.entries import Entry, Name, Slot, names_of, scan
from longshore.adapters.disk.faults import storage_full, translated
from longshore.adapters.disk.pending import Pending
from longshore.adapters.disk.recency import DiskIndex, MemoryCache
from longshore.core.ids import FileId
from longshore.core.sizes import GIB, KIB, MIB
from longshore.core.time import Clock, SystemClock, from_micros, to_micros
from longshore.ports.derived import Derived
from longshore.ports.storage import ObjectMissing

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_PIECE = 1 << 20
_RENEW_AFTER = 3600


class DiskDraft:
    """`ports.derived.Draft`."""

    def __init__(self, store: DiskDerivedStore, slot: Slot, pending: Pending) -> None:
        self.fd = pending.fd
        self.slot = slot
        self.pending = pending
        self.is_dropped = False
        self._store = store

    async def commit(self, *, content_type: str, width: int, height: int) -> Derived:
        """Raises StorageFull, also when it alone exceeds the bound; ObjectMissing when the file was dropped since."""
        return await self._store.commit(self, content_type, width, height)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a look at the disk found; `found` is None when nothing was there or it was damaged."""

    found: Derived | None
    name: Name | None


class DiskDerivedStore:
    """`ports.derived.DerivedStore` below one folder, which nobody else uses."""

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int = 10 * GIB,
        memory_bytes: int = 64 * MIB,
        small: int = 64 * KIB,
        threads: int = 4,
        clock: Clock | None = None,
    ) -> None:
        """Touches nothing yet. Results up to `small` bytes are kept in memory, `memory_bytes` of them."""
        self._root = root
        self._temp = root / ".tmp"
        self._small = small
        self._clock = clock or SystemClock()
        self._index = DiskIndex(max_bytes)
        self._memory = MemoryCache(memory_bytes)
        self._drafts: dict[FileId, set[DiskDraft]] = {}
        self._drops = 0
        self._scanning: asyncio.Future[list[Entry]] | None = None
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="derived")

    def close(self) -> None:
        """Wait for the calls that are in flight and end the threads."""
        self._pool.shutdown(cancel_futures=True)

    def cached(self, file_id: FileId, key: str) -> Derived | None:
        return self._memory.get((file_id, key))

    async def get(self, file_id: FileId, key: str) -> Derived | None:
        slot = (file_id, key)
        remembered = self._memory.get(slot)
        if remembered is not None:
            return remembered
        self._start_scan()
        drops = self._drops
        loaded = await self._run(self._load, slot, self._index.is_verified(slot))
        if loaded.name is None or self._drops != drops:  # a drop in between: what was read must not be remembered
            return loaded.found
        if loaded.found is None:
            self._index.discard(slot)
        else:
            self._remember(slot, loaded.found, loaded.name)
        return loaded.found

    @contextlib.asynccontextmanager
    async def draft(self, file_id: FileId, key: str) -> AsyncGenerator[DiskDraft]:
        self._start_scan()
        draft = DiskDraft(self, (file_id, key), await self._begin(key))
        self._drafts.setdefault(file_id, set()).add(draft)
        try:
            yield draft
        finally:
            drafts = self._drafts[file_id]
            drafts.remove(draft)
            if not drafts:
                del self._drafts[file_id]
            draft.pending.close()

    async def commit(self, draft: DiskDraft, content_type: str, width: int, height: int) -> Derived:
        """For `DiskDraft` only."""
        size = os.fstat(draft.fd).st_size
        if size > self._index.max_bytes:
            raise storage_full()
        victims = self._index.reserve(size, self._memory)
        try:
            await self._evict(victims)
            made_at = self._clock.now()
            name, body = await self._run(self._publish, draft, content_type, width, height, size, made_at)
        finally:
            self._index.release(size)
        if draft.is_dropped:
            await self._run(self._remove, draft.slot)
            raise ObjectMissing("The file was removed while this was made")
        derived = self._derived(draft.slot, name, body)
        self._remember(draft.slot, derived, name)
        # Several drafts at once may have reserved more than there is.
        await self._evict(self._index.make_room(self._memory))
        return derived

    async def drop(self, file_id: FileId) -> None:
        for draft in self._drafts.get(file_id, ()):
            draft.is_dropped = True
        self._forget(file_id)
        try:
            await self._run(self._drop, file_id)
        finally:
            self._forget(file_id)  # who came in between may have found it still

    async def _run(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    async def _begin(self, key: str) -> Pending:
        opening = asyncio.get_running_loop().run_in_executor(self._pool, self._pending, key)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise

    def _forget(self, file_id: FileId) -> None:
        self._drops += 1
        for slot in self._index.drop(file_id):
            self._memory.discard(slot)

    def _remember(self, slot: Slot, derived: Derived, name: Name) -> None:
        """`slot` was just used."""
        self._index.use(slot, name.size)
        if derived.body is not None:
            self._memory.put(slot, derived, self._index)

    async def _evict(self, victims: list[Slot]) -> None:
        if victims:
            await self._run(self._remove_all, victims)

    def _start_scan(self) -> None:
        if self._scanning is not None:
            return
        self._scanning = asyncio.get_running_loop().run_in_executor(self._pool, scan, self._root, self._temp)

        def merge(scanning: asyncio.Future[list[Entry]]) -> None:
            if scanning.cancelled() or scanning.exception() is not None:
                self._scanning = None  # the next call tries again
                return
            victims = self._index.merge(scanning.result(), self._memory)
            if victims:
                with contextlib.suppress(RuntimeError):  # closed meanwhile: the next start finds them again
                    self._pool.submit(self._remove_all, victims)

        self._scanning.add_done_callback(merge)

    # What follows runs in a thread.

    def _folder(self, file_id: FileId) -> Path:
        name = str(file_id)
        return self._root / name[:2] / name

    def _pending(self, key: str) -> Pending:
        with translated():
            try:
                return Pending(self._temp, temp=self._temp, label=key[:64])
            except FileNotFoundError:
                self._temp.mkdir(mode=0o700, parents=True, exist_ok=True)
                return Pending(self._temp, temp=self._temp, label=key[:64])

    def _find(self, slot: Slot) -> Name | None:
        """The newest, should there be several (two processes, or a crash in between)."""
        return max(names_of(slot[1], self._folder(slot[0])), key=lambda name: name.made_at, default=None)

    def _load(self, slot: Slot, verified: bool) -> _Loaded:
        with translated():
            name = self._find(slot)
            if name is None:
                return _Loaded(None, None)
            path = self._folder(slot[0]) / name.text
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return _Loaded(None, name)
            try:
                status = os.fstat(fd)
                body = os.pread(fd, name.size + 1, 0) if name.size <= self._small else None
                if status.st_size != name.size or not (verified or _checksum(fd) == name.checksum):
                    path.unlink(missing_ok=True)
                    return _Loaded(None, name)
                if time.time() - status.st_mtime > _RENEW_AFTER:
                    os.utime(fd)
            finally:
                os.close(fd)
        return _Loaded(self._derived(slot, name, body), name)

    def _publish(
        self, draft: DiskDraft, content_type: str, width: int, height: int, size: int, made_at: datetime
    ) -> tuple[Name, bytes | None]:
        file_id, key = draft.slot
        name = Name(
            key=key,
            size=size,
            width=width,
            height=height,
            made_at=to_micros(made_at),
            checksum=_checksum(draft.fd),
            content_type=content_type,
        )
        folder = self._folder(file_id)
        with translated():
            older = [old for old in names_of(key, folder) if old != name]
            for attempt in range(3):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                try:
                    draft.pending.link(folder / name.text)
                    break
                except FileExistsError:
                    break
                except FileNotFoundError:  # eviction has just removed the empty folder
                    if attempt == 2:
                        raise
            for old in older:
                (folder / old.text).unlink(missing_ok=True)
            body = os.pread(draft.fd, size + 1, 0) if size <= self._small else None
        return name, body

    def _derived(self, slot: Slot, name: Name, body: bytes | None) -> Derived:
        return Derived(
            key=slot[1],
            content_type=name.content_type,
            size=name.size,
            width=name.width,
            height=name.height,
            made_at=from_micros(name.made_at),
            body=body,
            path=str(self._folder(slot[0]) / name.text),
        )

    def _remove_all(self, slots: list[Slot]) -> None:
        for slot in slots:
            self._remove(slot)

    def _remove(self, slot: Slot) -> None:
        folder = self._folder(slot[0])
        with translated():
            while (name := self._find(slot)) is not None:
                (folder / name.text).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()  # if it was the last one

    def _drop(self, file_id: FileId) -> None:
        """Out of sight with one rename, then removed."""
        with translated():
            self._temp.mkdir(mode=0o700, parents=True, exist_ok=True)
            doomed = self._temp / f"dropped.{secrets.token_hex(8)}"
            with contextlib.suppress(FileNotFoundError):
                self._folder(file_id).rename(doomed)
                shutil.rmtree(doomed, ignore_errors=True)


def _checksum(fd: int) -> int:
    checksum = position = 0
    while piece := os.pread(fd, _PIECE, position):
        checksum = zlib.crc32(piece, checksum)
        position += len(piece)
    return checksum


def _close_late(opening: asyncio.Future[Pending]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
