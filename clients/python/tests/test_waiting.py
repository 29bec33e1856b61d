"""Waiting for the check, when the event stream is cut, absent or silent."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from clients.python.tests.fake import FakeLongshore, cut_events, drop, event_stream, html, status
from longshore_client import LongshoreClient, NotFound, Progress, TransportError, waiting
from longshore_client.waiting import EventParser


async def test_a_cut_stream_is_followed_by_asking(client: LongshoreClient, server: FakeLongshore) -> None:
    server.script["events"] = [cut_events([b": hello\n\n"])]

    assert (await client.upload(b"abc")).is_ready
    assert server.log[2:] == ["confirm", "events", "status"]


async def test_without_a_stream_the_status_is_asked_until_the_end(
    client: LongshoreClient, server: FakeLongshore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_FIRST_PAUSE", 0.01)
    server.script["events"] = [html(404), status(503), status(500)]
    still_checking = server.script.setdefault("status", [])

    async def unchanged(request: web.Request) -> web.StreamResponse:
        return web.json_response(server.uploads[request.match_info["id"]].status("scan", None))

    still_checking.extend([unchanged] * 5)
    heard: list[Progress] = []

    file = await client.upload(b"abc", on_progress=heard.append)

    assert file.is_ready
    assert server.log.count("events") == 3
    assert server.log.count("status") == 6
    assert [one.stage for one in heard][-3:] == ["digest", "scan", "ready"]


async def test_a_silent_stream_is_left(
    client: LongshoreClient, server: FakeLongshore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SILENCE_S", 0.1)
    over = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        stream = await event_stream(request)
        await stream.write(b": here\n\n")
        await over.wait()
        return stream

    server.script["events"] = [silent]
    try:
        assert (await client.upload(b"abc")).is_ready
    finally:
        over.set()
    assert server.log[-2:] == ["events", "status"]


async def test_a_server_that_is_gone_ends_the_waiting(client: LongshoreClient, server: FakeLongshore) -> None:
    server.script["events"], server.script["status"] = [drop] * 99, [drop] * 99

    with pytest.raises(TransportError) as lost:
        await client.upload(b"abc")

    assert lost.value.upload_id in server.uploads
    assert "abort" not in server.log


async def test_an_upload_that_was_aborted_has_no_file(client: LongshoreClient, server: FakeLongshore) -> None:
    upload_id = (await client.upload(b"abc", wait=False)).id
    server.uploads[upload_id].state = "expired"

    with pytest.raises(NotFound, match="upload-expired"):
        await client.wait(upload_id)


async def test_the_stream_is_closed_when_the_waiting_ends(client: LongshoreClient, server: FakeLongshore) -> None:
    await client.upload(b"abc")

    async with asyncio.timeout(5):
        await server.without_streams.wait()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_come_out_however_the_bytes_are_cut(size: int) -> None:
    raw = (
        b': a comment\n\nevent: status\ndata: {"a":\ndata: 1}\n\n'
        b"event:end\r\ndata:\xc3\xa9\r\nid: 3\r\n\r\ndata: plain\n\n\n\nevent: cut\ndata: off"
    )
    parser = EventParser()

    events = [one for start in range(0, len(raw), size) for one in parser.feed(raw[start : start + size])]

    assert events == [("status", '{"a":\n1}'), ("end", "é"), ("message", "plain")]
