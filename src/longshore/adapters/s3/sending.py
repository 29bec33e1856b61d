"""From an async body to an object: in one request when it is small, in parts when it is not, whatever its size."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from longshore.adapters.s3.answers import BadXml, http_date, unquoted
from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.parts import abort, complete, create
from longshore.core.errors import Problem
from longshore.core.parts import MAX_PARTS
from longshore.ports.multipart import MultipartGone
from longshore.ports.storage import BodyTooLarge

_AHEAD = 2
"""Parts on their way while the next one is gathered."""
_ABORT_WITHIN = 5.0
"""Seconds that tidying up may keep a caller who is leaving; lifecycle rules and the sweeper do the rest."""


@dataclass(frozen=True, slots=True)
class Sent:
    """`etag` is empty where the store does not tell."""

    size: int
    etag: str
    at: datetime


async def send_body(
    connection: Connection,
    bucket: str,
    key: str,
    body: AsyncIterator[bytes],
    *,
    limit: int,
    part: int,
    headers: Mapping[str, str],
) -> Sent:
    """Visible only when complete. Raises BodyTooLarge past `limit`, StorageFull, Upstream, and what `body` raises."""
    part = max(part, -(-limit // MAX_PARTS)) if limit > part else part
    async with contextlib.aclosing(_gathered(body, part, limit)) as pieces:
        first = await anext(pieces)
        if first.is_last:
            reply = await connection.call("PUT", bucket, key, headers=headers, body=first.pieces)
            try:
                at = http_date(reply.headers.get("Date"))
            except BadXml:
                at = connection.clock.now()
            return Sent(first.size, unquoted(reply.headers.get("ETag", "")), at)
        upload = await create(connection, bucket, key, headers)
        try:
            size, tags = await _send_parts(connection, bucket, key, upload, first, pieces)
            with contextlib.suppress(MultipartGone):  # it was put together, and only the answer was lost
                await complete(connection, bucket, key, upload, tags)
        except BaseException:
            await _forget(connection, bucket, key, upload)
            raise
        return Sent(size, "", connection.clock.now())


@dataclass(frozen=True, slots=True)
class _Part:
    pieces: list[bytes]
    size: int
    is_last: bool


async def _gathered(body: AsyncIterator[bytes], part: int, limit: int) -> AsyncGenerator[_Part]:
    """Parts of exactly `part` bytes, and a last one with what is left (at least one byte, unless it is the first)."""
    gathered: list[bytes] = []
    size = total = 0
    async for piece in body:
        total += len(piece)
        if total > limit:
            raise BodyTooLarge(f"The limit is {limit} bytes", limit=limit)
        while piece:
            if size == part:
                yield _Part(gathered, size, is_last=False)
                gathered, size = [], 0
            taken = piece[: part - size]
            piece = piece[len(taken) :]
            gathered.append(taken)
            size += len(taken)
    yield _Part(gathered, size, is_last=True)


async def _send_parts(
    connection: Connection, bucket: str, key: str, upload: str, first: _Part, rest: AsyncGenerator[_Part]
) -> tuple[int, list[tuple[int, str]]]:
    tags: dict[int, str] = {}
    room = asyncio.Semaphore(_AHEAD)
    total = 0

    async def send(number: int, part: _Part) -> None:
        try:
            query = {"partNumber": str(number), "uploadId": upload}
            reply = await connection.call("PUT", bucket, key, query=query, body=part.pieces)
            tags[number] = reply.headers.get("ETag", "")
        finally:
            room.release()

    try:
        async with asyncio.TaskGroup() as sending:
            number, part = 1, first
            while True:
                total += part.size
                await room.acquire()
                sending.create_task(send(number, part))
                if part.is_last:
                    break
                number, part = number + 1, await anext(rest)
    except BaseExceptionGroup as failures:
        # the caller waits for one problem: the first that happened, be it the body's or the store's
        raise failures.exceptions[0] from failures
    return total, sorted(tags.items())


async def _forget(connection: Connection, bucket: str, key: str, upload: str) -> None:
    """Also when the caller has been cancelled."""

    async def forget() -> None:
        with contextlib.suppress(Problem, TimeoutError):
            async with asyncio.timeout(_ABORT_WITHIN):
                await abort(connection, bucket, key, upload)

    await asyncio.shield(asyncio.ensure_future(forget()))
