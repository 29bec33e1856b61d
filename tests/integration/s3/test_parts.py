"""Multipart against Ceph: any order, again, listed, put together, aborted; parts of five megabytes and up."""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from longshore.core.ids import FileId
from longshore.core.parts import MIN_PART
from longshore.core.sizes import MIB
from longshore.ports.multipart import (
    MultipartGone,
    MultipartId,
    Part,
    PartsOutOfOrder,
    PartTooSmall,
    PartUnknown,
    PartWanted,
)
from longshore.ports.storage import ObjectKey
from tests.integration.s3.conftest import S3, a_key, body

FIRST, LAST = os.urandom(MIN_PART), b"the end"


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def send(s3: S3, key: ObjectKey, upload: MultipartId, number: int, content: bytes, **how: object) -> int:
    wanted = PartWanted(number=number, size=len(content), **how)  # pyright: ignore[reportArgumentType]
    expires_at = datetime.now(UTC) + timedelta(minutes=1)
    [link] = s3.multipart.sign_parts(key, upload, [wanted], expires_at=expires_at)
    return httpx.put(link.url, content=content, headers=dict(link.headers), trust_env=False).status_code


async def test_parts_in_any_order_become_one_object(s3: S3) -> None:
    key = a_key()
    upload = await s3.multipart.create(key, content_type="video/mp4")
    assert await s3.multipart.parts(key, upload) == []

    assert send(s3, key, upload, 7, LAST) == 200
    assert send(s3, key, upload, 2, os.urandom(MIN_PART)) == 200
    assert send(s3, key, upload, 2, FIRST) == 200
    parts = await s3.multipart.parts(key, upload)
    assert [(part.number, part.size) for part in parts] == [(2, MIN_PART), (7, len(LAST))]
    assert await s3.objects.head(key) is None

    stored = await s3.multipart.complete(key, upload, parts)
    assert (stored.size, stored.content_type) == (MIN_PART + len(LAST), "video/mp4")
    assert stored.etag.endswith("-2")
    assert await s3.multipart.complete(key, upload, parts) == stored
    assert s3.peek.content(f"incoming/{key.name}") == FIRST + LAST
    assert s3.peek.multiparts() == []


async def test_a_part_is_bound_to_its_number_length_and_digest(s3: S3) -> None:
    key = a_key()
    upload = await s3.multipart.create(key)
    expires_at = datetime.now(UTC) + timedelta(minutes=1)
    wanted = PartWanted(number=1, size=5, md5=md5(b"hello"))
    [link] = s3.multipart.sign_parts(key, upload, [wanted], expires_at=expires_at)

    def put(content: bytes, url: str = link.url, **headers: str) -> int:
        return httpx.put(url, content=content, headers={**link.headers, **headers}, trust_env=False).status_code

    assert put(b"HELLO") == 400
    assert put(b"hello!") == 403
    assert put(b"HELLO", **{"Content-MD5": md5(b"HELLO")}) == 403
    assert put(b"hello", link.url.replace("partNumber=1", "partNumber=2")) == 403
    assert await s3.multipart.parts(key, upload) == []
    assert put(b"hello") == 200


async def test_what_cannot_be_put_together_is_said_and_can_be_mended(s3: S3) -> None:
    key = a_key()
    upload = await s3.multipart.create(key)
    send(s3, key, upload, 1, b"too small")
    send(s3, key, upload, 2, LAST)
    one, two = await s3.multipart.parts(key, upload)

    for wrong in ([two, one], [one, one], []):
        with pytest.raises(PartsOutOfOrder):
            await s3.multipart.complete(key, upload, wrong)
    with pytest.raises(PartTooSmall):
        await s3.multipart.complete(key, upload, [one, two])
    with pytest.raises(PartUnknown):
        await s3.multipart.complete(key, upload, [Part(number=1, size=9, etag="0" * 32)])
    with pytest.raises(PartUnknown):
        await s3.multipart.complete(key, upload, [Part(number=3, size=9, etag=one.etag)])

    send(s3, key, upload, 1, FIRST)
    stored = await s3.multipart.complete(key, upload, await s3.multipart.parts(key, upload))
    assert stored.size == MIN_PART + len(LAST)


async def test_an_aborted_upload_is_gone(s3: S3) -> None:
    key = a_key()
    upload = await s3.multipart.create(key)
    send(s3, key, upload, 1, LAST)
    await s3.multipart.abort(key, upload)
    await s3.multipart.abort(key, upload)

    assert send(s3, key, upload, 1, LAST) == 404
    with pytest.raises(MultipartGone):
        await s3.multipart.parts(key, upload)
    with pytest.raises(MultipartGone):
        await s3.multipart.complete(key, upload, [Part(number=1, size=7, etag="0" * 32)])


async def test_a_strangers_upload_id_is_refused(s3: S3) -> None:
    with pytest.raises(MultipartGone):
        await s3.multipart.parts(a_key(), MultipartId("2~nobodys"))


async def test_ten_thousand_parts_are_signed_at_once(s3: S3) -> None:
    key = a_key()
    wanted = [PartWanted(number=number, size=525 * MIB) for number in range(1, 10_001)]
    signed = s3.multipart.sign_parts(key, MultipartId("x"), wanted, expires_at=datetime.now(UTC) + timedelta(hours=1))

    assert len({link.url for link in signed}) == 10_000
    for number in (0, 10_001):
        with pytest.raises(ValueError, match="part number"):
            s3.multipart.sign_parts(
                key, MultipartId("x"), [PartWanted(number=number, size=1)], expires_at=s3.clock.now()
            )


async def test_more_parts_than_one_page_are_listed_and_put_together(s3: S3) -> None:
    key = a_key()
    upload = await s3.multipart.create(key)
    bucket, name = s3.peek.bucket, f"incoming/{key.name}"
    for number in range(1, 1004):
        query = {"partNumber": str(number), "uploadId": upload}
        await s3.connection.call("PUT", bucket, name, query=query, body=[b"x"])

    assert [part.number for part in await s3.multipart.parts(key, upload)] == list(range(1, 1004))
    await s3.multipart.abort(key, upload)


async def test_large_objects_are_copied_in_parts(s3: S3) -> None:
    """With a limit of 6 MiB in place of 5 GiB."""
    key, content = a_key(), os.urandom(20 * MIB + 7)
    await s3.objects.put(key, body(content), limit=len(content), content_type="video/mp4")
    sealed = await s3.objects.seal(key, ObjectKey.sealed(FileId(uuid4()), "seal"))

    assert (sealed.stored.size, sealed.stored.content_type) == (len(content), "video/mp4")
    async with s3.objects.open(sealed.key) as fd:
        assert os.pread(fd, len(content), 0) == content
    assert s3.peek.multiparts() == []


async def test_what_a_broken_upload_leaves_is_listed_and_deleted_with_its_key(s3: S3) -> None:
    key = a_key()
    upload = await s3.multipart.create(key)
    send(s3, key, upload, 1, LAST)
    later = datetime.now(UTC) + timedelta(minutes=1)

    assert [found async for found in s3.objects.list(key.bucket, older_than=later)] == [key]
    assert [found async for found in s3.objects.list(key.bucket, older_than=later - timedelta(hours=1))] == []
    await s3.objects.delete(key)
    assert s3.peek.multiparts() == []
