"""Servers that may be broken: each module has its own."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.acceptance.driver import Native, no_mistakes
from tests.servers.clamd import Clamd, running_clamd
from tests.servers.longshore import Longshore, clamd_settings, running_longshore


@dataclass(frozen=True)
class Scanned:
    """A server with a scanner that may be paused, killed and started again."""

    native: Native
    clamd: Clamd

    @property
    def server(self) -> Longshore:
        return self.native.server


@pytest.fixture(scope="module")
def _breakable() -> Iterator[Scanned]:
    with running_clamd() as clamd:
        settings = {
            **clamd_settings(clamd.socket),
            "SCANNER__CONNECT_TIMEOUT_S": "0.5",
            "SCANNER__IDLE_TIMEOUT_S": "60",
            "UPLOAD__WAIT_S": "0.05",
        }
        with running_longshore(settings) as server, Native(server) as native:
            yield Scanned(native, clamd)


@pytest.fixture
def scanned(_breakable: Scanned) -> Iterator[Scanned]:
    """Both run at the beginning of a test, whatever the last one did."""
    if not _breakable.clamd.is_running:
        _breakable.clamd.start()
    _breakable.clamd.resume()
    if not _breakable.server.process.is_running:
        _breakable.server.process.start()
    with no_mistakes(_breakable.server):
        yield _breakable


@pytest.fixture(scope="module")
def _own() -> Iterator[Native]:
    with running_longshore() as server, Native(server) as native:
        yield native


@pytest.fixture
def own(_own: Native) -> Iterator[Native]:
    """A server without a scanner that runs at the beginning of a test, whatever the last one did."""
    if not _own.server.process.is_running:
        _own.server.process.start()
    with no_mistakes(_own.server):
        yield _own
