"""The face without `await`."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clients.python.tests.conftest import QUICK
from clients.python.tests.fake import KEY, FakeLongshore, wait_for
from longshore_client import Client, LongshoreClient, LongshoreError, Progress, Refused


async def in_thread(act: Callable[[], Any]) -> Any:
    """The server of these tests lives in the event loop, so its clients must not."""
    return await asyncio.to_thread(act)


async def test_upload_and_operations_work_without_await(server: FakeLongshore, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    heard: list[Progress] = []

    def act() -> None:
        with Client(server.origin, key=KEY, retries=QUICK) as client:
            file = client.upload(path, on_progress=heard.append)
            assert client.file(file.id).is_ready
            assert [one.size for one in client.upload_many([path, b"ab"])] == [5, 2]  # type: ignore[union-attr]
            assert client.kinds()[0].name == "avatar"

    await in_thread(act)

    assert heard[-1].stage == "ready"
    assert not [thread for thread in threading.enumerate() if thread.name == "longshore-client"]


async def test_errors_come_through(server: FakeLongshore) -> None:
    server.refusal = ("held", {"code": "could-not-be-scanned", "detail": "No scanner"})

    def act() -> None:
        with Client(server.origin, key=KEY, retries=QUICK) as client, pytest.raises(Refused, match="No scanner"):
            client.upload(b"abc")

    await in_thread(act)


async def test_one_client_serves_many_threads(server: FakeLongshore) -> None:
    def act() -> None:
        with Client(server.origin, key=KEY, retries=QUICK) as client, ThreadPoolExecutor(8) as pool:
            sizes = [file.size for file in pool.map(lambda size: client.upload(bytes(size)), range(24))]
            assert sizes == list(range(24))
            assert sum(thread.name == "longshore-client" for thread in threading.enumerate()) == 1

    await in_thread(act)


async def test_closing_aborts_what_is_going_on(server: FakeLongshore) -> None:
    never = asyncio.Event()
    server.script["send"] = [wait_for(never)]
    client = Client(server.origin, key=KEY, retries=QUICK)
    upload = asyncio.create_task(in_thread(lambda: client.upload(b"abc")))
    await server.asked("send")

    await in_thread(client.close)
    await in_thread(client.close)

    with pytest.raises(LongshoreError, match="closed meanwhile"):
        await upload
    never.set()
    assert [one.state for one in server.uploads.values()] == ["aborted"]
    with pytest.raises(RuntimeError, match="closed"):
        client.kinds()


async def test_a_callback_that_calls_the_client_is_told_instead_of_hanging(server: FakeLongshore) -> None:
    def act() -> None:
        with Client(server.origin, key=KEY, retries=QUICK) as client, pytest.raises(RuntimeError, match="own thread"):
            client.upload(b"abc", on_progress=lambda progress: client.kinds() and None)

    await in_thread(act)


def test_it_has_every_method_with_the_same_words() -> None:
    def methods(kind: type) -> dict[str, object]:
        return {
            name: inspect.signature(one)
            for name, one in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_") and name != "close"
        }

    assert methods(Client) == methods(LongshoreClient)


def test_a_client_that_was_never_used_starts_nothing() -> None:
    before = threading.active_count()
    with Client("http://127.0.0.1:9", key=KEY):
        assert threading.active_count() == before
