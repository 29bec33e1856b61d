"""A store that fails, is slow or lies: a scripted one, since Ceph does so too seldom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from longshore.adapters.s3 import faults
from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.objects import S3ObjectStore
from longshore.core.errors import Problem, StorageFull, Upstream
from longshore.core.ids import RandomIds
from longshore.core.sizes import MIB
from longshore.core.time import SystemClock
from longshore.ports.storage import ObjectMissing
from tests.integration.s3.conftest import S3, ShiftedClock, a_key, body, settings_for
from tests.servers.ceph import Ceph

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Script:
    """Answers in order; the last one for ever."""

    answers: list[Handler] = field(default_factory=list)
    seen: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.read())
        return await self.answers[min(len(self.seen), len(self.answers)) - 1](request)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    script = Script()
    app = web.Application(client_max_size=99 * MIB)
    app.router.add_route("*", "/{path:.*}", script.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield script
    await runner.cleanup()


@pytest.fixture
async def objects(script: Script, tmp_path: Path) -> AsyncIterator[S3ObjectStore]:
    settings = settings_for(script.url, "bucket", attempts=3, idle_timeout_s=0.3)
    store = S3ObjectStore(Connection(settings, SystemClock()), tmp_path, RandomIds())
    yield store
    await store.close()


def answer(status: int, code: str = "", **headers: str) -> Handler:
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>" if code else ""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers=headers)

    return handler


async def silence(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3)
    raise AssertionError


OK = answer(200, ETag='"abc"', Date="Sat, 21 Nov 2026 12:00:00 GMT")
NOTHING = answer(404)


async def test_failures_that_pass_are_tried_again(script: Script, objects: S3ObjectStore) -> None:
    script.answers = [NOTHING, answer(503, "SlowDown"), answer(500, "InternalError"), OK]

    stored = await objects.put(a_key(), body(b"hello ", b"world"), limit=99)

    assert (stored.size, stored.etag) == (11, "abc")
    assert script.bodies[1:] == [b"hello world"] * 3


async def test_a_store_that_keeps_failing_is_given_up(script: Script, objects: S3ObjectStore) -> None:
    script.answers = [answer(503, "SlowDown", **{"Retry-After": "7"})]

    with pytest.raises(Upstream, match=r"error \(503, SlowDown\)") as caught:
        await objects._connection.call("GET", "bucket", "key")
    assert caught.value.retry_after == timedelta(seconds=7)
    assert len(script.seen) == 3


async def test_a_silent_store_is_given_up(script: Script, objects: S3ObjectStore) -> None:
    script.answers = [silence]
    started = time.monotonic()

    with pytest.raises(Upstream, match="does not answer"):
        await objects.head(a_key())
    with pytest.raises(Upstream, match="does not answer"):
        [_ async for _ in objects.read(a_key())]
    assert time.monotonic() - started < 5


async def test_a_silence_that_ends_costs_a_try(script: Script, objects: S3ObjectStore) -> None:
    script.answers = [silence, NOTHING]

    assert await objects.head(a_key()) is None


async def test_a_refusal_is_not_tried_again(script: Script, objects: S3ObjectStore) -> None:
    script.answers = [answer(403, "AccessDenied")]

    with pytest.raises(faults.StoreForbids):
        await objects._connection.call("GET", "bucket", "key")
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (403, "SignatureDoesNotMatch", faults.StoreKeysWrong),
        (403, "InvalidAccessKeyId", faults.StoreKeysWrong),
        (403, "RequestTimeTooSkewed", faults.StoreClockSkewed),
        (400, "AuthorizationHeaderMalformed", faults.StoreRegionWrong),
        (301, "PermanentRedirect", faults.StoreRegionWrong),
        (404, "NoSuchBucket", faults.BucketMissing),
        (404, "NoSuchKey", ObjectMissing),
        (403, "QuotaExceeded", StorageFull),
        (507, "", StorageFull),
        (200, "InternalError", Upstream),
        (418, "<script>", Upstream),
    ],
)
async def test_each_refusal_is_a_sentence(
    script: Script, objects: S3ObjectStore, status: int, code: str, problem: type[Problem]
) -> None:
    """Also when it comes with 200, as copying and putting parts together may."""
    script.answers = [answer(status, code)]

    with pytest.raises(problem) as caught:
        await objects._connection.call("PUT", "bucket", "key")
    assert "<" not in caught.value.detail
    assert caught.value.detail.count("\n") == 0


@pytest.mark.parametrize("text", ["", "not xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<Other/>"])
async def test_what_cannot_be_read_is_a_sentence(script: Script, objects: S3ObjectStore, text: str) -> None:
    async def strange(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text)

    script.answers = [OK, strange]
    with pytest.raises(Upstream):
        await objects.put(a_key(), body(bytes(17 * MIB)), limit=99 * MIB)


async def test_a_read_that_breaks_is_taken_up_where_it_broke(script: Script, objects: S3ObjectStore) -> None:
    content = bytes(range(256)) * 4096 * 3

    async def breaking(request: web.Request) -> web.StreamResponse:
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        response = web.StreamResponse(status=206 if start else 200, headers={"ETag": '"abc"'})
        response.content_length = len(content) - start
        await response.prepare(request)
        await response.write(content[start : start + 2 * MIB])
        if start + 2 * MIB < len(content):
            assert request.transport is not None
            await asyncio.sleep(0.05)
            request.transport.abort()
        return response

    script.answers = [breaking]

    assert b"".join([piece async for piece in objects.read(a_key())]) == content
    assert [request.headers.get("If-Match") for request in script.seen] == [None, '"abc"']


async def test_our_clock_being_wrong_is_a_sentence(ceph: Ceph, s3: S3) -> None:
    s3.clock.shift = timedelta(hours=1)

    with pytest.raises(faults.StoreClockSkewed):
        await s3.connection.call("GET", s3.peek.bucket, query={"list-type": "2"})


async def test_wrong_keys_and_a_missing_bucket_are_sentences(ceph: Ceph) -> None:
    for more, bucket, problem in (
        ({"secret_key": "wrong"}, "bucket", faults.StoreKeysWrong),
        ({"access_key": "nobody"}, "bucket", faults.StoreKeysWrong),
        ({}, "no-such-bucket", faults.BucketMissing),
    ):
        connection = Connection(settings_for(ceph.endpoint, bucket, **more), ShiftedClock())
        with pytest.raises(problem):
            await connection.call("GET", bucket, "key")
        await connection.close()
