"""A project of a running server, through the native API."""

from collections.abc import Iterator

import pytest

from tests.acceptance.driver import Native, no_mistakes
from tests.servers.longshore import Longshore


@pytest.fixture(scope="session")
def _native(server: Longshore) -> Iterator[Native]:
    with Native(server, server.new_project("native")) as native:
        yield native


@pytest.fixture
def native(_native: Native) -> Iterator[Native]:
    with no_mistakes(_native.server):
        yield _native
