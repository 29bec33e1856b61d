"""`ports.multipart.MultipartStore` over S3, which invented it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime

from longshore.adapters.s3 import faults
from longshore.adapters.s3.answers import BadXml, unquoted
from longshore.adapters.s3.connection import Connection
from longshore.adapters.s3.layout import Layout
from longshore.adapters.s3.objects import S3ObjectStore
from longshore.adapters.s3.parts import abort, complete, create
from longshore.adapters.s3.sigv4 import place_of, presign, seconds_between
from longshore.core.errors import Upstream
from longshore.core.parts import MAX_PARTS
from longshore.ports.multipart import MultipartGone, MultipartId, Part, PartsOutOfOrder, PartWanted
from longshore.ports.storage import ObjectKey, ObjectMissing, SignedRequest, Stored


class S3MultipartStore:
    def __init__(self, connection: Connection, objects: S3ObjectStore) -> None:
        self._connection = connection
        self._objects = objects
        self._layout = Layout(connection.settings)
        self._endpoint = connection.settings.public_endpoint or connection.settings.endpoint

    async def create(self, key: ObjectKey, *, content_type: str | None = None) -> MultipartId:
        headers = {"content-type": content_type} if content_type else {}
        return MultipartId(await create(self._connection, *self._layout.place(key), headers))

    def sign_parts(
        self, key: ObjectKey, multipart: MultipartId, wanted: Sequence[PartWanted], *, expires_at: datetime
    ) -> Sequence[SignedRequest]:
        bucket, name = self._layout.place(key)
        place = place_of(self._endpoint, bucket, self._connection.settings.addressing)
        now = self._connection.clock.now()
        expires = seconds_between(now, expires_at)
        signed: list[SignedRequest] = []
        for part in wanted:
            if not 1 <= part.number <= MAX_PARTS:
                raise ValueError(f"no part number: {part.number}")
            bound = {"content-md5": part.md5} if part.md5 else {}
            url = presign(
                "PUT",
                place,
                name,
                signing=self._connection.signing,
                now=now,
                expires=expires,
                headers={**bound, "content-length": str(part.size)},
                query={"partNumber": str(part.number), "uploadId": multipart},
            )
            sent = {"Content-MD5": part.md5} if part.md5 else {}
            signed.append(SignedRequest(method="PUT", url=url, headers=sent, expires_at=expires_at))
        return signed

    async def parts(self, key: ObjectKey, multipart: MultipartId) -> Sequence[Part]:
        bucket, name = self._layout.place(key)
        query: dict[str, str] = {"uploadId": multipart}
        found: list[Part] = []
        while True:
            try:
                page = (await self._connection.call("GET", bucket, name, query=query)).xml()
            except ObjectMissing as e:  # Ceph says NoSuchKey for an upload that has ended
                raise MultipartGone from e
            try:
                for part in page.all("Part"):
                    etag = unquoted(part.text("ETag"))
                    found.append(Part(number=part.number("PartNumber"), size=part.number("Size"), etag=etag))
            except BadXml as e:
                raise faults.unreadable() from e
            if page.text("IsTruncated") != "true" or len(found) >= MAX_PARTS:
                return found
            query["part-number-marker"] = page.text("NextPartNumberMarker")

    async def complete(self, key: ObjectKey, multipart: MultipartId, parts: Sequence[Part]) -> Stored:
        numbers = [part.number for part in parts]
        if numbers != sorted(set(numbers)) or not numbers:
            raise PartsOutOfOrder
        listed = [(part.number, part.etag) for part in parts]
        try:
            await complete(self._connection, *self._layout.place(key), multipart, listed)
        except Upstream:
            await self.parts(key, multipart)  # Ceph answers 500 for an upload that was aborted
            raise
        except (MultipartGone, ObjectMissing) as e:
            stored = await self._objects.head(key)  # it may have been put together by an earlier call
            if stored is None or stored.size != sum(part.size for part in parts):
                raise MultipartGone from e
            return stored
        stored = await self._objects.head(key)
        if stored is None:
            raise faults.unreadable()
        return stored

    async def abort(self, key: ObjectKey, multipart: MultipartId) -> None:
        with contextlib.suppress(MultipartGone, ObjectMissing):
            await abort(self._connection, *self._layout.place(key), multipart)
