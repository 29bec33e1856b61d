"""uvicorn's HTTP/1.1 protocol with limits it lacks (decision 26).

- A header section, a trailer or chunk framing that is larger than `MAX_HEADER` is refused with 431, a URL longer than
  `MAX_URL` with 414, before it is in memory; uvicorn would take 200 MB.
- Headers must be complete within `HEADER_TIMEOUT`.
- An answer that is sent before the request's body has arrived says `Connection: close`, and the connection ends:
  uvicorn would receive and discard the rest, gigabytes if need be. The end is a lingering one: for a moment what still
  arrives is discarded, because a reset connection can cost the sender the answer (RFC 9112, 9.6).

Give it to uvicorn as `http=BoundedProtocol`, or the result of `bounded_protocol(...)` for other limits.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

MAX_HEADER = 32 << 10
MAX_URL = 8 << 10
HEADER_TIMEOUT = 20.0
LINGER_SECONDS = 2.0
LINGER_BYTES = 4 << 20
_JOINED = 4 << 10

_REFUSALS = {
    400: ("request-malformed", "This is not a valid HTTP request"),
    408: ("request-timeout", "The request did not arrive in time"),
    414: ("url-too-long", "The URL is too long"),
    431: ("headers-too-large", "The request headers are too large"),
}


class _Refused(Exception):
    """Ends the parser's work from within a callback."""


class _JoinedHead:
    """What one answer is written to: its head goes out together with the first piece of its body.

    uvicorn writes them one by one, and each write is a system call: a fifth of the time of a small answer. A head that
    nothing follows in the same turn of the loop (server-sent events) goes by itself.
    """

    __slots__ = ("_head", "_is_begun", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self._is_begun = False

    def write(self, data: bytes) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            # joining copies: not worth it for a large piece
            self._transport.write(head + data) if len(data) <= _JOINED else self._transport.writelines((head, data))
        elif self._is_begun or data.startswith(b"HTTP/1.1 100"):
            self._transport.write(data)
        else:
            self._is_begun = True
            self._head = data
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class BoundedProtocol(HttpToolsProtocol):
    max_header: ClassVar[int] = MAX_HEADER
    max_url: ClassVar[int] = MAX_URL
    header_timeout: ClassVar[float] = HEADER_TIMEOUT

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._status = 400
        self._barren = 0  # bytes received since the last that meant something
        self._header_size = 0
        self._in_header = True
        self._brings_body = False
        self._must_close = False
        self._lingering = -1  # bytes that may still be discarded; -1 as long as we listen
        self._timer: asyncio.TimerHandle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._lingering >= 0:
            self._lingering -= len(data)
            if self._lingering < 0:
                self.transport.abort()
            return
        if self.transport.is_closing():
            return
        self._barren += len(data)
        super().data_received(data)
        if self._lingering >= 0 or self.transport.is_closing():
            return
        if self._barren > self.max_header:
            self._refuse(431)
        elif self._in_header and self._timer is None:
            self._arm()

    # What the parser finds

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_header = True
        self._brings_body = False
        self._header_size = 0

    def on_url(self, url: bytes) -> None:
        if len(self.url) + len(url) > self.max_url:
            self._status = 414
            raise _Refused
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_size += len(name) + len(value) + 4
        if self._header_size > self.max_header:
            self._status = 431
            raise _Refused
        if not self._in_header:
            return  # a trailer: nobody wants it, and uvicorn would add it to the headers of a running request
        name = name.lower()
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            self._brings_body = True
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._disarm()
        self._in_header = False
        self._barren = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._barren = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._barren = 0
        super().on_message_complete()

    # Answers

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.transport = cast("asyncio.Transport", _JoinedHead(self.transport, self.loop))
        super()._start_asgi_task(cycle, self._closing_when_early(app, cycle) if self._brings_body else app)

    def _closing_when_early(self, app: Any, cycle: RequestResponseCycle) -> Any:
        """`app`, whose answer closes the connection if it begins before the request has ended."""

        async def early(scope: Any, receive: Any, send: Any) -> None:
            async def send_closing(message: Any) -> None:
                if message["type"] != "http.response.start" or not cycle.more_body:
                    await send(message)
                    return
                headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"connection"]
                await send({**message, "headers": [*headers, (b"connection", b"close")]})
                # uvicorn would now close on completion, without lingering; `on_response_complete` does it instead
                cycle.keep_alive = True
                self._must_close = True

            await app(scope, receive, send_closing)

        return early

    def on_response_complete(self) -> None:
        if self._must_close:
            self.server_state.total_requests += 1
            self._linger()
        else:
            super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._status)

    def _refuse(self, status: int) -> None:
        """Answer what is no request to us, unless an answer to an earlier one is on its way."""
        self._disarm()
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            self.transport.abort()  # in the middle of another answer nothing can be said
            return
        code, title = _REFUSALS[status]
        body = b'{"type":"urn:longshore:problem:%b","title":"%b","status":%d,"detail":"%b","code":"%b"}' % (
            code.encode(),
            title.encode(),
            status,
            title.encode(),
            code.encode(),
        )
        self.transport.write(
            b"%bcontent-type: application/problem+json\r\ncontent-length: %d\r\naccess-control-allow-origin: *\r\n"
            b"cache-control: no-store\r\nconnection: close\r\n\r\n%b" % (STATUS_LINE[status], len(body), body)
        )
        self._linger()

    def _linger(self) -> None:
        """End our side, listen for a moment longer."""
        if self._lingering >= 0 or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        if not self.transport.can_write_eof():  # TLS
            self.transport.close()
            return
        self._lingering = LINGER_BYTES
        self.transport.write_eof()
        self.flow.resume_reading()
        self._disarm()
        self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    # Time

    def _arm(self) -> None:
        self._timer = self.loop.call_later(self.header_timeout, self._header_late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _header_late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self._barren:
            self._refuse(408)
        else:
            self.transport.close()  # it never said anything, so there is nothing to answer


def bounded_protocol(
    *, max_header: int = MAX_HEADER, max_url: int = MAX_URL, header_timeout: float = HEADER_TIMEOUT
) -> type[BoundedProtocol]:
    """The protocol with limits of its own; sizes in bytes, time in seconds."""
    limits = {"max_header": max_header, "max_url": max_url, "header_timeout": header_timeout}
    return type("BoundedProtocol", (BoundedProtocol,), limits)
