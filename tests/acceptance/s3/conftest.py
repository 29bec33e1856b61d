"""Longshore over an S3 store: set up as an operator would, with clamd."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from uuid import uuid4

import pytest

from tests.acceptance.driver import Native
from tests.s3 import Peek
from tests.servers.ceph import Ceph, ceph_settings
from tests.servers.clamd import Clamd
from tests.servers.longshore import Longshore, clamd_settings
from tests.servers.process import short_folder


@contextlib.contextmanager
def on_s3(ceph: Ceph, clamd: Clamd, settings: Mapping[str, str] | None = None) -> Iterator[tuple[Longshore, Peek]]:
    peek = Peek(ceph.endpoint, f"test-{uuid4().hex[:12]}")
    chosen = {**ceph_settings(ceph, peek.bucket), **clamd_settings(clamd.socket), **(settings or {})}
    with short_folder("longshore") as folder:
        server = Longshore(folder, chosen)
        server.cli("storage", "setup")
        with server:
            yield server, peek


@pytest.fixture(scope="session")
def s3_server(ceph: Ceph, clamd: Clamd) -> Iterator[tuple[Longshore, Peek]]:
    """The test process's Longshore over its Ceph, shared: leave it running."""
    with on_s3(ceph, clamd) as running:
        yield running


@pytest.fixture
def native(s3_server: tuple[Longshore, Peek]) -> Iterator[Native]:
    with Native(s3_server[0]) as native:
        yield native


@pytest.fixture
def bucket(s3_server: tuple[Longshore, Peek]) -> Peek:
    return s3_server[1]
