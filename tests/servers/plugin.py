"""The servers as fixtures. Loaded by tests/conftest.py.

A test that reaches one of these fixtures, directly or through another fixture, is marked `server` (and `browser`) by
itself, so that `./run test embedded` leaves out exactly the tests that need more than wheels.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from playwright.async_api import Browser, Page

from tests.servers.ceph import Ceph, running_ceph
from tests.servers.chromium import running_chromium
from tests.servers.clamd import Clamd, running_clamd
from tests.servers.longshore import Longshore, clamd_settings, running_longshore
from tests.servers.nginx import Nginx, running_nginx
from tests.servers.postgres import Postgres, running_postgres

_SERVERS = {"ceph", "ceph_to_break", "clamd", "clamd_to_break", "nginx", "postgres", "postgres_to_break"}
_BROWSERS = {"browser", "page"}


@pytest.hookimpl(tryfirst=True)  # before pytest's own hook, which chooses by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & _BROWSERS or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.server)
        elif fixtures & _SERVERS:
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def clamd() -> Iterator[Clamd]:
    """The test process's clamd, shared: leave it running. To stop or kill one, take `clamd_to_break`."""
    with running_clamd() as server:
        yield server


@pytest.fixture
def clamd_to_break() -> Iterator[Clamd]:
    """A clamd for this test alone."""
    with running_clamd() as server:
        yield server


@pytest.fixture(scope="session")
def ceph() -> Iterator[Ceph]:
    """The test process's S3 store, shared: make buckets of your own. To stop or freeze one, take `ceph_to_break`."""
    with running_ceph() as store:
        yield store


@pytest.fixture
def ceph_to_break() -> Iterator[Ceph]:
    """An S3 store for this test alone."""
    with running_ceph() as store:
        yield store


@pytest.fixture(scope="session")
def server() -> Iterator[Longshore]:
    """The test process's Longshore, embedded and without a scanner, shared: leave it running."""
    with running_longshore() as server:
        yield server


@pytest.fixture(scope="session")
def scanning_server(clamd: Clamd) -> Iterator[Longshore]:
    """Like `server`, with clamd."""
    with running_longshore(clamd_settings(clamd.socket)) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The test process's PostgreSQL, shared: leave it running, and take a database of your own from it."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_to_break() -> Iterator[Postgres]:
    """A PostgreSQL for this test alone."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def nginx() -> Iterator[Callable[[str], Nginx]]:
    """Starts an nginx for a configuration body (see `running_nginx`); all of them end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda body: stack.enter_context(running_nginx(body))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A Chromium for this test alone: a browser is bound to its event loop, and each test has its own loop."""
    async with running_chromium() as browser:
        yield browser


@pytest.fixture
def page_errors() -> list[str]:
    """What the page complained about so far. A test that provokes complaints checks and clears it."""
    return []


@pytest.fixture
async def page(browser: Browser, page_errors: list[str]) -> AsyncIterator[Page]:
    """An empty page of 1280 × 800. The test fails if the page logs an error or throws, unless it cleared them."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    page.on("console", lambda message: page_errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page_errors.append(str(error)))
    yield page
    await context.close()
    assert page_errors == []
