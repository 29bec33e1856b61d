"""HTTP: one attempt at a time, with every failure as one of our errors. Trying again is decided elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload
from yarl import URL  # aiohttp's own notion of a URL, so always there

from longshore_client.errors import ProblemError, SourceChanged, TransportError, UnexpectedAnswer, problem
from longshore_client.results import Send
from longshore_client.retries import NotConnected, Untrusted
from longshore_client.sources import Content
from longshore_client.version import __version__

API = "/api/v1"
CONNECT_S, CALL_S, STALL_S, DURABLE_S = 10.0, 120.0, 60.0, 300.0
"""How long to wait for a connection, a call, a piece of a body to get away, and a store to make all of it durable."""

_SLICE = 128 * 1024
_S3_CODE, _S3_MESSAGE = re.compile(r"<Code>([^<]{1,100})</Code>"), re.compile(r"<Message>([^<]{1,1000})</Message>")

OnSent = Callable[[int], None]
"""Hears how many bytes of a body are sent; less than before when it began again."""


class Transport:
    """A connection pool to one server. To be used from one event loop."""

    def __init__(self, base_url: str, *, bearer: str | None, public_key: str | None) -> None:
        url = URL(base_url.rstrip("/"))
        if url.scheme not in ("http", "https") or not url.host or url.query_string or url.fragment:
            raise ValueError(f"base_url must look like https://files.example.com, not {base_url!r}")
        self._base = str(url).rstrip("/") + API
        self._bearer = bearer
        self._public_key = public_key
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    def _opened(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("this client is closed")
        if self._session is None:
            # `sock_read` begins when a body is sent; while it is sent, SentBody watches over it.
            self._session = aiohttp.ClientSession(
                timeout=_timeout(CALL_S),
                headers={"User-Agent": f"longshore-client/{__version__}"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        bearer: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> object:
        """The JSON answered to one request, None for an empty answer. `bearer` takes the place of the client's own.

        Raises ProblemError, TransportError, UnexpectedAnswer.
        """
        async with (
            _translated(),
            asyncio.timeout(CALL_S),
            self._request(method, path, body, bearer=bearer, headers=headers) as response,
        ):
            raw = await response.read()
        if response.status >= 300:
            raise _problem(response, raw)
        if not raw:
            return None
        try:
            return cast("object", json.loads(raw))
        except ValueError:
            raise UnexpectedAnswer(f"{self._base}{path} does not answer with JSON: is this a Longshore?") from None

    @contextlib.asynccontextmanager
    async def stream(self, path: str, *, bearer: str | None, silence: float) -> AsyncGenerator[aiohttp.StreamReader]:
        """The body of a long answer, as it comes. Silence of more than `silence` seconds is a TransportError."""
        async with (
            _translated(),
            self._request("GET", path, bearer=bearer, silence=silence, accept="text/event-stream") as response,
        ):
            if response.status != 200 or response.content_type != "text/event-stream":
                raise _problem(response, await response.read())
            yield response.content

    @contextlib.asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        bearer: str | None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        silence: float = CALL_S,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        bearer = bearer or self._bearer
        sent = {"Accept": accept, **(headers or {})}
        query = ""
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        elif self._public_key is not None:
            query = str(URL.build(query={"pub_key": self._public_key}))
        data = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        async with self._opened().request(
            method,
            URL(self._base + path + query, encoded=True),
            data=data,
            headers=sent,
            timeout=_timeout(silence),
            allow_redirects=False,
        ) as response:
            yield response

    async def put(self, send: Send, content: Content, on_sent: OnSent) -> None:
        """Send all of `content` by a signed link, once. Raises ProblemError, TransportError, and what `content` and
        `on_sent` raise."""
        if send.method != "PUT":
            raise ValueError(f"this client sends by PUT, not by {send.method}")
        body = SentBody(content, on_sent)
        try:
            async with (
                _translated(),
                self._opened().put(
                    URL(send.url, encoded=True),
                    data=body,
                    headers=send.headers,
                    timeout=_timeout(DURABLE_S),
                    # What is not signed is not sent, as far as HTTP allows.
                    skip_auto_headers=("Content-Type", "Accept", "Accept-Encoding"),
                    allow_redirects=False,
                ) as response,
            ):
                raw = await response.read()
        except TransportError:
            if body.failure is not None:
                raise body.failure from None
            raise
        if response.status >= 300:
            raise _problem(response, raw)
        if body.failure is not None:
            raise body.failure


class SentBody(Payload):
    """A body that starts from its beginning whenever it is written, and says that it is used up once it was.

    Else aiohttp repeats a PUT on its own when a kept connection breaks; that is for our retries, with a fresh link."""

    def __init__(self, content: Content, on_sent: OnSent) -> None:
        super().__init__(content, content_type="application/octet-stream")
        self._content = content
        self._on_sent = on_sent
        self._size = content.size
        self._autoclose = True
        self.failure: Exception | None = None
        """What broke on our side; aiohttp would call it a broken connection."""

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._consumed = True
        sent = 0
        self._heard(sent)
        async with contextlib.aclosing(self._pieces()) as pieces:
            async for piece in pieces:
                view = memoryview(piece)
                for start in range(0, len(view), _SLICE):
                    part = view[start : start + _SLICE]
                    async with asyncio.timeout(STALL_S):
                        await writer.write(part)
                    sent += len(part)
                    self._heard(sent)

    async def _pieces(self) -> AsyncGenerator[bytes | memoryview]:
        try:
            async for piece in self._content.pieces():
                yield piece
        except (SourceChanged, OSError, ValueError) as error:
            self.failure = error
            raise

    def _heard(self, sent: int) -> None:
        try:
            self._on_sent(sent)
        except Exception as error:
            self.failure = error
            raise

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a body that is streamed cannot be shown")


def _timeout(silence: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence)


@contextlib.asynccontextmanager
async def _translated() -> AsyncGenerator[None]:
    """aiohttp's errors as ours."""
    try:
        yield
    except aiohttp.ClientSSLError as error:
        raise Untrusted(f"The connection is not secure: {error}") from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotConnected(f"No connection: {error}") from error
    except TimeoutError as error:
        raise TransportError("No answer in time") from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise TransportError(f"The connection broke: {error or type(error).__name__}") from error


def _problem(response: aiohttp.ClientResponse, raw: bytes) -> ProblemError | UnexpectedAnswer:
    if response.status < 400:
        place = response.headers.get("Location")
        hint = f" to {place}: use that as base_url" if place else ""
        return UnexpectedAnswer(f"The server answered {response.status}{hint}")
    retry_after = _seconds(response.headers.get("Retry-After"))
    return problem(response.status, _problem_members(raw), retry_after=retry_after)


def _problem_members(raw: bytes) -> Mapping[str, object]:
    """Problem details, S3's XML, or nothing that says more than the status."""
    try:
        members = cast("object", json.loads(raw))
    except ValueError:
        text = raw[:4096].decode("utf-8", "replace")
        code, message = _S3_CODE.search(text), _S3_MESSAGE.search(text)
        return {"code": code[1], "detail": message[1] if message else code[1]} if code else {}
    return cast("dict[str, object]", members) if isinstance(members, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    """Both forms of RFC 9110 10.2.3: seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
