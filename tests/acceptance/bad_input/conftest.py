"""A running server that is given nothing but trouble."""

from collections.abc import Iterator

import pytest

from tests.acceptance.driver import Native, no_mistakes
from tests.servers.clamd import Clamd
from tests.servers.longshore import Longshore, clamd_settings, running_longshore

BRIEF = {"UPLOAD__WAIT_S": "0.2"}
"""The CDN path of a file in checking answers 404 soon, so that every stage can be probed."""


@pytest.fixture(scope="session")
def brief_server(clamd: Clamd) -> Iterator[Longshore]:
    """With clamd; nobody waits long for a check."""
    with running_longshore({**clamd_settings(clamd.socket), **BRIEF}) as server:
        yield server


# A client of its own for every test would cost more than most tests.


@pytest.fixture(scope="session")
def _native(server: Longshore) -> Iterator[Native]:
    with Native(server) as native:
        yield native


@pytest.fixture(scope="session")
def _foreign(server: Longshore) -> Iterator[Native]:
    with Native(server, server.new_project("foreign")) as native:
        yield native


@pytest.fixture(scope="session")
def _scanned(scanning_server: Longshore) -> Iterator[Native]:
    with Native(scanning_server) as native:
        yield native


@pytest.fixture(scope="session")
def _brief(brief_server: Longshore) -> Iterator[Native]:
    with Native(brief_server) as native:
        yield native


@pytest.fixture
def native(_native: Native) -> Iterator[Native]:
    """The demo project of a server without a scanner."""
    with no_mistakes(_native.server):
        yield _native


@pytest.fixture
def foreign(_foreign: Native) -> Iterator[Native]:
    """Another project on the same server."""
    with no_mistakes(_foreign.server):
        yield _foreign


@pytest.fixture
def scanned(_scanned: Native) -> Iterator[Native]:
    """The demo project of a server with clamd."""
    with no_mistakes(_scanned.server):
        yield _scanned


@pytest.fixture
def brief(_brief: Native) -> Iterator[Native]:
    """The demo project of a server with clamd whose CDN path does not wait for checks."""
    with no_mistakes(_brief.server):
        yield _brief


@pytest.fixture(params=["plain", "json"])
def error_mode(request: pytest.FixtureRequest) -> str:
    """The two shapes of the Upload API's errors (contract 1.3)."""
    return request.param


@pytest.fixture(scope="session")
def _signing(server: Longshore) -> Iterator[Native]:
    keys = server.new_project("signing")
    server.cli("project", "set", "signing", "--signed-uploads")
    with Native(server, keys) as native:
        yield native


@pytest.fixture
def signing(_signing: Native) -> Iterator[Native]:
    """A project on the same server that demands signed uploads."""
    with no_mistakes(_signing.server):
        yield _signing
