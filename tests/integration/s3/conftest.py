"""An S3 store on a bucket of Ceph that has been set up, with a clock that tests can move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from longshore.adapters.s3 import S3Settings
from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.links import S3LinkSigner
from longshore.adapters.s3.multipart import S3MultipartStore
from longshore.adapters.s3.objects import S3ObjectStore
from longshore.core.ids import FileId, RandomIds
from longshore.core.sizes import MIB
from longshore.ports.storage import Constraints, ObjectKey
from tests.s3 import Peek
from tests.servers.ceph import ACCESS_KEY, REGION, SECRET_KEY, Ceph


class ShiftedClock:
    def __init__(self) -> None:
        self.shift = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift


@dataclass
class S3:
    settings: S3Settings
    clock: ShiftedClock
    connection: Connection
    objects: S3ObjectStore
    links: S3LinkSigner
    multipart: S3MultipartStore
    peek: Peek


def settings_for(endpoint: str, bucket: str, **more: object) -> S3Settings:
    given = {"region": REGION, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, **more}
    return S3Settings(endpoint=endpoint, bucket=bucket, **given)


@pytest.fixture
async def s3(ceph: Ceph, tmp_path: Path) -> AsyncIterator[S3]:
    peek = Peek.new(ceph.endpoint)
    settings, clock = settings_for(ceph.endpoint, peek.bucket), ShiftedClock()
    connection = Connection(settings, clock)
    # both limits as low as S3 allows
    objects = S3ObjectStore(connection, tmp_path / "originals", RandomIds(), part_size=5 * MIB, copy_size=6 * MIB)
    yield S3(
        settings=settings,
        clock=clock,
        connection=connection,
        objects=objects,
        links=S3LinkSigner(settings, clock),
        multipart=S3MultipartStore(connection, objects),
        peek=peek,
    )
    await objects.close()


def a_key() -> ObjectKey:
    return ObjectKey.incoming(FileId(uuid4()))


def constraints(low: int = 5, high: int = 5, kind: str = "image/png", lifetime: float = 60) -> Constraints:
    expires_at = datetime.now(UTC) + timedelta(seconds=lifetime)
    return Constraints(content_type=kind, size_min=low, size_max=high, expires_at=expires_at)


async def body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
