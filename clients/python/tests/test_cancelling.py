"""Uploads that are given up leave nothing behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from clients.python.tests.conftest import QUICK
from clients.python.tests.fake import KEY, FakeLongshore, status, wait_for
from longshore_client import LongshoreClient, Progress, TimedOut

CONTENT = os.urandom(30_000_000)


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await asyncio.sleep(0.01)


async def test_cancelled_while_sending_it_is_aborted_on_the_server(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    sending = asyncio.Event()
    never = asyncio.Event()
    server.script["send"] = [wait_for(never)]
    task = asyncio.create_task(
        client.upload(CONTENT, on_progress=lambda progress: sending.set() if progress.sent else None)
    )
    await sending.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    never.set()
    assert server.log == ["request", "send", "abort"]
    assert [upload.state for upload in server.uploads.values()] == ["aborted"]


async def test_cancelled_while_a_stream_is_read_it_is_aborted(client: LongshoreClient, server: FakeLongshore) -> None:
    with pytest.raises(TimedOut) as late:
        await client.upload(endless(), timeout=0.2)

    assert late.value.upload_id in server.uploads
    assert server.log == ["request", "abort"]


async def test_cancelled_while_it_is_checked_it_is_left_alone(client: LongshoreClient, server: FakeLongshore) -> None:
    never = asyncio.Event()
    server.script["events"] = [wait_for(never)]

    with pytest.raises(TimedOut, match="within 0") as late:
        await client.upload(b"abc", timeout=0.3)

    never.set()
    assert server.log == ["request", "send", "confirm", "events"]
    assert late.value.upload_id is not None
    assert (await client.wait(late.value.upload_id)).is_ready


async def test_waiting_can_be_limited_too(client: LongshoreClient, server: FakeLongshore) -> None:
    file = await client.upload(b"abc", wait=False)
    never = asyncio.Event()
    server.script["events"] = [wait_for(never)]
    server.script["status"] = [wait_for(never)]

    with pytest.raises(TimeoutError):
        await client.wait(file.id, timeout=0.1)
    never.set()


async def test_a_server_that_does_not_answer_the_abort_holds_nobody_up(
    server: FakeLongshore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longshore_client import client as module

    monkeypatch.setattr(module, "GIVE_UP_S", 0.2)
    never = asyncio.Event()
    server.script["send"], server.script["abort"] = [status(400)], [wait_for(never)]
    async with LongshoreClient(server.origin, key=KEY, retries=QUICK) as client:
        async with asyncio.timeout(3):
            with pytest.raises(Exception, match="busy"):
                await client.upload(b"abc")
    never.set()


async def test_a_second_cancellation_does_not_stop_the_abort(server: FakeLongshore) -> None:
    go_on = asyncio.Event()
    aborting = asyncio.Event()

    async def slow(request: object) -> None:
        aborting.set()
        await go_on.wait()

    server.script["abort"] = [slow]
    async with LongshoreClient(server.origin, key=KEY, retries=QUICK) as client:
        task = asyncio.create_task(client.upload(endless()))
        await server.asked("request")
        await asyncio.sleep(0.05)
        task.cancel()
        await aborting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    assert [upload.state for upload in server.uploads.values()] == ["aborted"]


async def test_progress_from_a_finished_upload_is_not_told_late(client: LongshoreClient) -> None:
    heard: list[Progress] = []
    await client.upload(b"abc", on_progress=heard.append)
    count = len(heard)
    await asyncio.sleep(0.05)

    assert len(heard) == count
