"""Every adapter that claims `ports.storage` and `ports.derived`, opened on something empty.

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
from typing import cast
from uuid import uuid4

import pytest

from longshore.adapters.disk import pending
from longshore.adapters.disk.derived import DiskDerivedStore
from longshore.adapters.disk.links import DiskLinkSigner
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.adapters.disk.receiver import DiskLinkReceiver
from longshore.adapters.s3 import S3Settings
from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.links import S3LinkSigner
from longshore.adapters.s3.objects import S3ObjectStore
from longshore.core.ids import FileId, RandomIds
from longshore.core.sizes import MIB
from longshore.core.time import SystemClock
from longshore.ports.derived import DerivedStore
from longshore.ports.storage import Constraints, LinkReceiver, LinkSigner, ObjectKey, ObjectStore
from tests.s3 import Peek
from tests.servers.ceph import ACCESS_KEY, REGION, SECRET_KEY, Ceph

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
LINK_KEY = b"0123456789abcdef0123456789abcdef"


class StoppedClock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment


@dataclass
class Storage:
    """`where` is told by `check`, `remains` looks behind the store's back, `receiver` is there for a disk only."""

    objects: ObjectStore
    signer: LinkSigner
    clock: StoppedClock
    where: str
    remains: Callable[[], list[str]]
    """Names of all that is kept, and of what broken writes left."""
    folder: Path
    receiver: LinkReceiver


@pytest.fixture(params=["disk", "disk-named"])
def without_names(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "disk-named":
        _refuse_nameless(monkeypatch)


def _refuse_nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> int:
        folder.stat()  # absent is another error
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), str(folder))

    monkeypatch.setattr(pending, "_open_nameless", refuse)


@pytest.fixture(params=["disk", "disk-named", pytest.param("s3", marks=pytest.mark.server)])
async def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Storage]:
    if request.param == "s3":
        async with on_s3(request.getfixturevalue("ceph"), tmp_path) as opened:
            yield opened
        return
    if request.param == "disk-named":
        _refuse_nameless(monkeypatch)
    with on_disk(tmp_path) as opened:
        yield opened


@pytest.fixture
def disk_storage(without_names: None, tmp_path: Path) -> Iterator[Storage]:
    with on_disk(tmp_path) as opened:
        yield opened


@contextlib.contextmanager
def on_disk(tmp_path: Path) -> Iterator[Storage]:
    folder = tmp_path / "objects"
    store = DiskObjectStore(folder, threads=4)
    clock = StoppedClock()
    yield Storage(
        objects=store,
        signer=DiskLinkSigner("https://files.example", LINK_KEY),
        receiver=DiskLinkReceiver(store, LINK_KEY, clock),
        clock=clock,
        folder=folder,
        where=str(folder),
        remains=lambda: sorted(path.name for path in folder.rglob("*") if path.is_file()),
    )
    store.close()


def s3_settings(ceph: Ceph, bucket: str) -> S3Settings:
    return S3Settings(
        endpoint=ceph.endpoint, region=REGION, bucket=bucket, access_key=ACCESS_KEY, secret_key=SECRET_KEY
    )


@contextlib.asynccontextmanager
async def on_s3(ceph: Ceph, tmp_path: Path) -> AsyncIterator[Storage]:
    peek = Peek.new(ceph.endpoint)
    settings = s3_settings(ceph, peek.bucket)
    # parts as small as S3 allows, so that tests reach them
    store = S3ObjectStore(Connection(settings, SystemClock()), tmp_path / "originals", RandomIds(), part_size=5 * MIB)

    def remains() -> list[str]:
        return sorted(key.partition("/")[2] for key in [*peek.keys(), *peek.multiparts()])

    yield Storage(
        objects=store,
        signer=S3LinkSigner(settings, SystemClock()),
        receiver=cast("LinkReceiver", None),
        clock=StoppedClock(),
        folder=tmp_path,
        where=peek.bucket,
        remains=remains,
    )
    await store.close()


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
