"""A running server seen through the Uploadcare contract."""

from collections.abc import Iterator

import pytest

from tests.acceptance.uploadcare.wire import Wire
from tests.servers.longshore import Longshore


@pytest.fixture
def wire(server: Longshore) -> Iterator[Wire]:
    """The demo project, which other tests use too."""
    with Wire(server.url, server.demo) as wire:
        yield wire


@pytest.fixture(scope="module")
def own(server: Longshore, request: pytest.FixtureRequest) -> Iterator[Wire]:
    """A project that belongs to one module's tests."""
    name = request.module.__name__.rpartition(".")[2].replace("_", "-")
    with Wire(server.url, server.new_project(name)) as wire:
        yield wire
