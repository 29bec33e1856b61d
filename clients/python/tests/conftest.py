"""Fixtures of the client's tests: a small server of their own, and clients that do not wait long."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from aiohttp import web

from clients.python.tests.fake import KEY, FakeLongshore
from longshore_client import LongshoreClient, Retries

QUICK = Retries(first=0.005, longest=0.02)


@pytest.fixture
async def server() -> AsyncGenerator[FakeLongshore]:
    fake = FakeLongshore()
    runner = web.AppRunner(fake.app(), handle_signals=False, shutdown_timeout=1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def client(server: FakeLongshore) -> AsyncGenerator[LongshoreClient]:
    async with LongshoreClient(server.origin, key=KEY, retries=QUICK) as client:
        yield client
