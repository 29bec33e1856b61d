"""One store, spoken to over a pool of connections: signed, bounded in time, tried again when that can help.

Every request here may be sent twice: S3's reads, writes of whole objects, copies and deletes end the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import yarl

from longshore import __version__
from longshore.adapters.s3 import faults
from longshore.adapters.s3.answers import BadXml, Node, error_code, parse
from longshore.adapters.s3.settings import S3Settings
from longshore.adapters.s3.sigv4 import Credentials, Place, Signing, authorize, canonical_query, place_of
from longshore.core.errors import Problem, Upstream
from longshore.core.sizes import MIB
from longshore.core.time import Clock

_BACK_OFF = timedelta(milliseconds=100)
_MAX_BACK_OFF = timedelta(seconds=5)
_MAX_DOCUMENT = 16 * MIB


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def xml(self) -> Node:
        """Raises Upstream."""
        try:
            return parse(self.body)
        except BadXml as e:
            raise faults.unreadable() from e


class Connection:
    """Opens with the first request, inside the running event loop."""

    def __init__(self, settings: S3Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.signing = Signing(Credentials(settings.access_key, settings.secret_key), settings.region)
        self._places: dict[str, Place] = {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def place(self, bucket: str) -> Place:
        found = self._places.get(bucket)
        if found is None:
            found = place_of(self.settings.endpoint, bucket, self.settings.addressing)
            self._places[bucket] = found
        return found

    async def call(
        self,
        method: str,
        bucket: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Sequence[bytes] = (),
        silence: float | None = None,
    ) -> Reply:
        """The answer, once it is a good one. `headers` in lower case; `silence` in seconds, in place of the usual.

        Raises what `faults.refused` makes of a refusal, Upstream when the store fails or is silent time after time.
        """
        failure: Problem | None = None
        silence = silence or self.settings.idle_timeout_s
        headers = dict(headers or {})
        if method in ("PUT", "POST"):
            headers["content-length"] = str(sum(map(len, body)))
        for attempt in range(self.settings.attempts):
            if attempt:
                await asyncio.sleep(_pause(attempt))
            try:
                async with (
                    asyncio.timeout(silence) as limit,
                    self._sent(method, bucket, key, query, headers, _pieces(body, limit, silence)) as answer,
                ):
                    received = await _whole(answer)
                    code = error_code(received) if answer.status >= 300 or _may_hide_error(method, received) else ""
                    if answer.status < 300 and not code:
                        return Reply(answer.status, answer.headers, received)
                    failure = faults.refused(answer.status, code, answer.headers)
                    if answer.status not in faults.PASSING and code not in faults.PASSING_CODES:
                        raise failure
            except (aiohttp.ClientError, TimeoutError) as e:
                failure = faults.silent()
                failure.__cause__ = e
        assert failure is not None
        raise failure

    @contextlib.asynccontextmanager
    async def stream(
        self, bucket: str, key: str, headers: Mapping[str, str]
    ) -> AsyncGenerator[aiohttp.ClientResponse | None]:
        """The answer to a GET, its body still to be read; None when the range lies beyond the end. Tried again only
        until an answer begins.

        Raises ObjectMissing, Upstream; and inside, ClientError and TimeoutError are the caller's to handle.
        """
        async with contextlib.AsyncExitStack() as stack:
            failure: Problem | None = None
            for attempt in range(self.settings.attempts):
                if attempt:
                    await stack.aclose()
                    await asyncio.sleep(_pause(attempt))
                try:
                    answer = await stack.enter_async_context(self._sent("GET", bucket, key, None, headers, None))
                    if answer.status in (200, 206):
                        break
                    if answer.status == 416:
                        yield None
                        return
                    failure = faults.refused(answer.status, error_code(await _whole(answer)), answer.headers)
                    if answer.status not in faults.PASSING:
                        raise failure
                except (aiohttp.ClientError, TimeoutError) as e:
                    failure = faults.silent()
                    failure.__cause__ = e
            else:
                assert failure is not None
                raise failure
            yield answer

    @contextlib.asynccontextmanager
    async def _sent(
        self,
        method: str,
        bucket: str,
        key: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: AsyncIterator[bytes] | None,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        place = self.place(bucket)
        signed = authorize(method, place, key, signing=self.signing, now=self.clock.now(), headers=headers, query=query)
        url = f"{place.origin}{place.path(key)}"
        if query:
            url = f"{url}?{canonical_query(query)}"
        timeout = aiohttp.ClientTimeout(
            total=None,
            sock_connect=self.settings.connect_timeout_s,
            # what sends a body is bounded by its caller, who sees the body move
            sock_read=self.settings.idle_timeout_s if body is None else None,
        )
        async with self._open().request(
            method, yarl.URL(url, encoded=True), headers=signed, data=body, timeout=timeout, allow_redirects=False
        ) as answer:
            yield answer

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.settings.connections, keepalive_timeout=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"Longshore/{__version__}", "Accept-Encoding": "identity"},
                skip_auto_headers=("Content-Type",),
                auto_decompress=False,  # what a sender declared must not change the bytes
                trust_env=False,
                read_bufsize=MIB,
            )
        return self._session


def _pieces(body: Sequence[bytes], limit: asyncio.Timeout, silence: float) -> AsyncIterator[bytes] | None:
    """As aiohttp wants large bodies: whole, they would block the loop. `limit` moves on as long as they do."""

    async def moving() -> AsyncIterator[bytes]:
        for piece in body:
            for start in range(0, len(piece), MIB):
                limit.reschedule(asyncio.get_running_loop().time() + silence)
                yield piece[start : start + MIB] if len(piece) > MIB else piece

    return moving() if body else None


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    received = b""
    async for piece in answer.content.iter_chunked(MIB):
        received += piece
        if len(received) > _MAX_DOCUMENT:
            raise Upstream("The object store answers with more than was asked for")
    return received


def _may_hide_error(method: str, body: bytes) -> bool:
    """Copying and putting parts together answer 200 first, and may say in the body that they failed."""
    return method in ("PUT", "POST") and b"<Error" in body[:200]


def _pause(attempt: int) -> float:
    """Seconds: doubling, with jitter."""
    longest = min(_MAX_BACK_OFF, _BACK_OFF * 2 ** (attempt - 1)).total_seconds()
    return longest * (0.5 + random.random() / 2)  # noqa: S311 -- jitter
