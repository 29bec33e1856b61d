"""Server-side copies: no byte of them passes here."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import quote

from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.parts import abort, complete, create
from longshore.core.errors import Problem
from longshore.core.parts import MAX_PARTS
from longshore.core.sizes import MIB

_AT_ONCE = 4

Place = tuple[str, str]
"""Real bucket and key."""


async def copy(
    connection: Connection, source: Place, target: Place, *, size: int, content_type: str | None, most: int
) -> None:
    """`target` holds what `source` held, its type, and nothing else that its sender may have attached.

    Beyond `most` bytes (S3: 5 GiB) in parts. Raises ObjectMissing, StorageFull, Upstream.
    """
    headers = {"content-type": content_type} if content_type else {}
    origin = f"/{source[0]}/{quote(source[1], safe='/~')}"
    if size <= most:
        whole = {**headers, "x-amz-copy-source": origin, "x-amz-metadata-directive": "REPLACE"}
        await connection.call("PUT", *target, headers=whole, silence=connection.settings.copy_timeout_s)
        return
    part = max(min(most, 512 * MIB), -(-size // MAX_PARTS))
    upload = await create(connection, *target, headers)
    try:
        tags = await _copy_parts(
            connection, origin, target, upload, [(at, min(at + part, size)) for at in range(0, size, part)]
        )
        await complete(connection, *target, upload, tags)
    except BaseException:
        with contextlib.suppress(Problem):
            await asyncio.shield(asyncio.ensure_future(abort(connection, *target, upload)))
        raise


async def _copy_parts(
    connection: Connection, origin: str, target: Place, upload: str, ranges: list[tuple[int, int]]
) -> list[tuple[int, str]]:
    tags: dict[int, str] = {}
    room = asyncio.Semaphore(_AT_ONCE)

    async def take(number: int, start: int, end: int) -> None:
        async with room:
            reply = await connection.call(
                "PUT",
                *target,
                query={"partNumber": str(number), "uploadId": upload},
                headers={"x-amz-copy-source": origin, "x-amz-copy-source-range": f"bytes={start}-{end - 1}"},
                silence=connection.settings.copy_timeout_s,
            )
            tags[number] = reply.xml().text("ETag")

    try:
        async with asyncio.TaskGroup() as taking:
            for number, (start, end) in enumerate(ranges, 1):
                taking.create_task(take(number, start, end))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return sorted(tags.items())
