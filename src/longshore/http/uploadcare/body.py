"""A request's body, read once, bounded in size and in patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

from starlette.datastructures import Headers
from starlette.types import Receive

from longshore.core.errors import TooLarge
from longshore.core.sizes import announced_size
from longshore.ports.storage import BodyIncomplete


class RequestTooLarge(TooLarge):
    code = "request-too-large"
    title = "The size of the request is too large."


class Body:
    """`is_done`: nothing more of it will come, so the connection can be used again."""

    def __init__(self, receive: Receive, headers: Headers, *, idle: timedelta) -> None:
        self._receive = receive
        self._idle = idle.total_seconds()
        length = headers.get("content-length")
        self._announced = None if length is None else announced_size(length)
        self.is_done = self._announced == 0 or (length is None and "transfer-encoding" not in headers)

    async def pieces(self, limit: int) -> AsyncGenerator[bytes]:
        """As they come from the connection, `limit` bytes in all at most. Raises RequestTooLarge (before the first one,
        if the request says so itself), BodyIncomplete when the sender leaves or falls silent."""
        if self._announced is not None and self._announced > limit:
            raise RequestTooLarge
        received = 0
        while not self.is_done:
            try:
                async with asyncio.timeout(self._idle):
                    message = await self._receive()
            except TimeoutError as error:
                raise BodyIncomplete from error
            if message["type"] != "http.request":
                raise BodyIncomplete
            self.is_done = not message.get("more_body", False)
            piece: bytes = message.get("body", b"")
            received += len(piece)
            if received > limit:
                raise RequestTooLarge
            if piece:
                yield piece

    async def whole(self, limit: int) -> bytes:
        """Raises RequestTooLarge, BodyIncomplete."""
        return b"".join([piece async for piece in self.pieces(limit)])
