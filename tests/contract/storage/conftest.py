"""Every adapter that claims `ports.storage` and `ports.derived`, opened on something empty. S3 will be one more entry.

`disk-named` is a disk whose file system cannot make files without a name.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from longshore.adapters.disk import pending
from longshore.adapters.disk.derived import DiskDerivedStore
from longshore.adapters.disk.links import DiskLinkSigner
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.adapters.disk.receiver import DiskLinkReceiver
from longshore.core.ids import FileId
from longshore.ports.derived import DerivedStore
from longshore.ports.storage import Constraints, LinkReceiver, LinkSigner, ObjectKey, ObjectStore

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
LINK_KEY = b"0123456789abcdef0123456789abcdef"


class StoppedClock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment


@dataclass
class Storage:
    """`folder` holds everything that the store keeps, for looking behind its back."""

    objects: ObjectStore
    signer: LinkSigner
    receiver: LinkReceiver
    clock: StoppedClock
    folder: Path

    def remains(self) -> list[str]:
        """Names of all files on the disk."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(params=["disk", "disk-named"])
def without_names(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> int:
        folder.stat()  # absent is another error
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), str(folder))

    if request.param == "disk-named":
        monkeypatch.setattr(pending, "_open_nameless", refuse)


@pytest.fixture
def storage(without_names: None, tmp_path: Path) -> Iterator[Storage]:
    folder = tmp_path / "objects"
    store = DiskObjectStore(folder, threads=4)
    clock = StoppedClock()
    yield Storage(
        objects=store,
        signer=DiskLinkSigner("https://files.example", LINK_KEY),
        receiver=DiskLinkReceiver(store, LINK_KEY, clock),
        clock=clock,
        folder=folder,
    )
    store.close()


@pytest.fixture
def objects(storage: Storage) -> ObjectStore:
    return storage.objects


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the derived results."""
    return tmp_path / "derived"


@pytest.fixture
def reopened(without_names: None, folder: Path) -> Iterator[Callable[..., DerivedStore]]:
    """Opens the store again, as after a restart."""
    with contextlib.ExitStack() as stack:

        def reopen(max_bytes: int = 1_000_000) -> DerivedStore:
            store = DiskDerivedStore(folder, max_bytes=max_bytes, memory_bytes=200_000, small=10_000)
            stack.callback(store.close)
            return store

        yield reopen


@pytest.fixture
def derived(reopened: Callable[[], DerivedStore]) -> DerivedStore:
    """A megabyte on disk, 200 kB in memory, small is up to 10 kB."""
    return reopened()


def a_key() -> ObjectKey:
    return ObjectKey.incoming(FileId(uuid4()))


def constraints(low: int = 1, high: int = 1000, kind: str = "image/svg+xml; charset=utf-8") -> Constraints:
    return Constraints(content_type=kind, size_min=low, size_max=high, expires_at=NOW + timedelta(hours=1))


async def body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def whole(iterator: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in iterator])
