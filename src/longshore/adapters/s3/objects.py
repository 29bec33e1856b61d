"""Objects in an S3 store. What the store has acknowledged is durable as it promises; a write is visible when complete.

Sealing is a server-side copy to a key of its own (docs/decisions/0010). Until the row is written that names that key,
`incoming` keeps its bytes, so that a crash loses nothing; `retire` then puts an empty mark in their place. While bytes
or mark lie there, a write-once link (`If-None-Match: *`) is refused by the store itself. A form with a policy is not:
what it brings after `retire` is never read by anybody, and is swept. Where a sender's PUT carries headers that nobody
signed, some stores keep them (Ceph does): a copy takes none of them along, and what is read is never decoded.

What a broken write may leave are the parts of a multipart upload. They are listed under the key they were for, and
deleted with that key.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import aiohttp

from longshore.adapters.s3 import faults
from longshore.adapters.s3.answers import BadXml, http_date, iso_date, unquoted
from longshore.adapters.s3.connection import Connection, Reply
from longshore.adapters.s3.copying import copy
from longshore.adapters.s3.layout import Layout
from longshore.adapters.s3.originals import Originals
from longshore.adapters.s3.sending import send_body
from longshore.core.ids import Ids
from longshore.core.sizes import GIB, MIB
from longshore.core.upload import OPEN_LIFETIME
from longshore.ports.multipart import MultipartGone
from longshore.ports.storage import Bucket, LinkUsed, ObjectKey, ObjectMissing, Sealed, Stored

_MARK = ("x-amz-meta-longshore", "retired")
_UNTYPED = "binary/octet-stream"
"""What S3 says of objects for which no type was given."""


class S3ObjectStore:
    """`ports.storage.ObjectStore`."""

    def __init__(
        self,
        connection: Connection,
        originals: Path,
        ids: Ids,
        *,
        part_size: int = 16 * MIB,
        copy_size: int = 5 * GIB,
        retired_for: timedelta = OPEN_LIFETIME,
    ) -> None:
        """Touches nothing yet. Larger bodies than `part_size` go in parts, of which up to three are in memory; larger
        objects than `copy_size` are copied in parts. `retired_for` must exceed the lifetime of links."""
        self._connection = connection
        self._layout = Layout(connection.settings)
        self._originals = Originals(originals, connection.settings.originals)
        self._ids = ids
        self._part_size = part_size
        self._copy_size = copy_size
        self._retired_for = retired_for

    async def close(self) -> None:
        await self._connection.close()

    async def put(
        self, key: ObjectKey, body: AsyncIterator[bytes], *, limit: int, content_type: str | None = None
    ) -> Stored:
        bucket, name = self._layout.place(key)
        if key.bucket is Bucket.INCOMING and _is_mark(await self._look(key)):
            raise LinkUsed
        headers = {"content-type": content_type} if content_type else {}
        sent = await send_body(self._connection, bucket, name, body, limit=limit, part=self._part_size, headers=headers)
        if sent.etag:
            return Stored(size=sent.size, etag=sent.etag, modified_at=sent.at, content_type=content_type)
        stored = await self.head(key)  # the answer to putting parts together has no tag on Ceph
        if stored is None:
            raise ObjectMissing
        return stored

    async def read(self, key: ObjectKey, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """A broken connection is taken up again where it broke, as long as the object is still the same."""
        bucket, name = self._layout.place(key)
        if end is not None and start >= end:
            if await self.head(key) is None:
                raise ObjectMissing
            return
        wanted: dict[str, str] = {}
        breaks = 0
        while end is None or start < end:
            if start or end is not None:
                wanted["range"] = f"bytes={start}-{'' if end is None else end - 1}"
            async with self._connection.stream(bucket, name, wanted) as answer:
                if answer is None:
                    return
                if _is_mark(answer):
                    raise ObjectMissing
                wanted["if-match"] = answer.headers.get("ETag", "*")
                end = start + (answer.content_length or 0)
                try:
                    while start < end:
                        piece = await answer.content.readexactly(min(MIB, end - start))
                        start += len(piece)
                        breaks = 0
                        yield piece
                except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as e:
                    breaks += 1
                    if breaks >= self._connection.settings.attempts:
                        raise faults.silent() from e

    async def head(self, key: ObjectKey) -> Stored | None:
        reply = await self._look(key)
        return None if reply is None or _is_mark(reply) else _described(reply)

    async def seal(self, source: ObjectKey, target: ObjectKey) -> Sealed:
        stored = await self.head(source)
        if stored is None:
            raise ObjectMissing
        own = ObjectKey(target.bucket, f"{target.name}-{self._ids.token(12)}")
        await self._copy(source, own, stored)
        sealed = await self.head(own)
        if sealed is None:
            raise ObjectMissing
        return Sealed(key=own, stored=sealed)

    async def retire(self, key: ObjectKey) -> None:
        bucket, name = self._layout.place(key)
        await self._connection.call("PUT", bucket, name, headers=dict([_MARK]))

    async def move(self, source: ObjectKey, target: ObjectKey) -> None:
        stored = await self.head(source)
        if await self.head(target) is None:
            if stored is None:
                raise ObjectMissing
            try:
                await self._copy(source, target, stored)
            except ObjectMissing:
                if await self.head(target) is None:  # else a twin of this call was faster
                    raise
        await self._erase(source)

    async def delete(self, key: ObjectKey) -> None:
        reply = await self._look(key)
        if reply is not None and not (_is_mark(reply) and self._may_have_links(reply)):
            await self._erase(key)
        await self._abort_all(key)

    @contextlib.asynccontextmanager
    async def open(self, key: ObjectKey) -> AsyncGenerator[int]:
        stored = await self.head(key)
        if stored is None:
            raise ObjectMissing
        bringing = self._originals.open(_cache_key(key), stored.etag, stored.size, lambda: self.read(key))
        async with bringing as fd:
            yield fd

    async def list(self, bucket: Bucket, *, older_than: datetime) -> AsyncIterator[ObjectKey]:
        real, prefix = self._layout.range(bucket)
        async for name, at in self._pages(real, {"list-type": "2", "prefix": prefix}, "Contents", "LastModified"):
            key = self._layout.key(bucket, name)
            if key is not None and at < older_than:
                yield key
        async for name, at in self._pages(real, {"uploads": "", "prefix": prefix}, "Upload", "Initiated"):
            key = self._layout.key(bucket, name)
            if key is not None and at < older_than:
                yield key

    async def check(self) -> str:
        for bucket in Bucket:
            key = ObjectKey(bucket, f"check-{uuid4()}")
            await self._connection.call("PUT", *self._layout.place(key), body=[b"probe"])
            await self._erase(key)
        settings = self._connection.settings
        return f"S3 at {settings.endpoint}, {_listed(settings.real_buckets())}"

    # ------------------------------------------------------------------------------------------------------------------

    async def _look(self, key: ObjectKey) -> Reply | None:
        try:
            return await self._connection.call("HEAD", *self._layout.place(key))
        except ObjectMissing:
            return None

    async def _copy(self, source: ObjectKey, target: ObjectKey, stored: Stored) -> None:
        places = self._layout.place(source), self._layout.place(target)
        await copy(self._connection, *places, size=stored.size, content_type=stored.content_type, most=self._copy_size)

    async def _erase(self, key: ObjectKey) -> None:
        await self._connection.call("DELETE", *self._layout.place(key))
        if key.bucket is not Bucket.INCOMING:
            await self._originals.drop(_cache_key(key))

    async def _abort_all(self, key: ObjectKey) -> None:
        bucket, name = self._layout.place(key)
        query = {"uploads": "", "prefix": name}
        reply = await self._connection.call("GET", bucket, query=query)
        for upload in reply.xml().all("Upload"):
            if upload.text("Key") == name:
                with contextlib.suppress(MultipartGone):
                    await self._connection.call("DELETE", bucket, name, query={"uploadId": upload.text("UploadId")})

    def _may_have_links(self, mark: Reply) -> bool:
        return self._connection.clock.now() - _described(mark).modified_at < self._retired_for

    async def _pages(
        self, bucket: str, query: Mapping[str, str], item: str, changed: str
    ) -> AsyncIterator[tuple[str, datetime]]:
        """Keys with their dates, of objects or of multipart uploads; a page at a time."""
        asked = dict(query)
        while True:
            page = (await self._connection.call("GET", bucket, query=asked)).xml()
            for found in page.all(item):
                try:
                    yield found.text("Key"), iso_date(found.text(changed))
                except BadXml as e:
                    raise faults.unreadable() from e
            if page.text("IsTruncated") != "true":
                return
            if "uploads" in query:
                asked["key-marker"], asked["upload-id-marker"] = (
                    page.text("NextKeyMarker"),
                    page.text("NextUploadIdMarker"),
                )
            else:
                asked["continuation-token"] = page.text("NextContinuationToken")


def _is_mark(reply: Reply | aiohttp.ClientResponse | None) -> bool:
    return reply is not None and reply.headers.get(_MARK[0]) == _MARK[1] and reply.headers.get("Content-Length") == "0"


def _described(reply: Reply) -> Stored:
    kind = reply.headers.get("Content-Type")
    try:
        return Stored(
            size=int(reply.headers["Content-Length"]),
            etag=unquoted(reply.headers["ETag"]),
            modified_at=http_date(reply.headers.get("Last-Modified")),
            content_type=kind if kind != _UNTYPED else None,
        )
    except (KeyError, ValueError) as e:
        raise faults.unreadable() from e


def _cache_key(key: ObjectKey) -> str:
    return f"{key.bucket.value}/{key.name}"


def _listed(buckets: tuple[str, ...]) -> str:
    return f"bucket {buckets[0]}" if len(buckets) == 1 else f"buckets {', '.join(buckets)}"
