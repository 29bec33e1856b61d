"""The five calls of a multipart upload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from longshore.adapters.s3 import faults
from longshore.adapters.s3.answers import document, element, leaf
from longshore.adapters.s3.connection import Connection


async def create(connection: Connection, bucket: str, key: str, headers: Mapping[str, str]) -> str:
    """The store's id of it. Raises Upstream."""
    reply = await connection.call("POST", bucket, key, query={"uploads": ""}, headers=headers)
    upload = reply.xml().text("UploadId")
    if not upload:
        raise faults.unreadable()
    return upload


async def complete(
    connection: Connection, bucket: str, key: str, upload: str, parts: Sequence[tuple[int, str]]
) -> None:
    """Put together `parts` (number and entity tag, ascending). Raises MultipartGone, and what a refusal means.

    An answer that was lost is asked for again, and then the upload is gone; whether the object is there tells which.
    """
    listed = (element("Part", leaf("PartNumber", number), leaf("ETag", etag)) for number, etag in parts)
    body = document("CompleteMultipartUpload", *listed)
    silence = connection.settings.copy_timeout_s
    await connection.call("POST", bucket, key, query={"uploadId": upload}, body=[body], silence=silence)


async def abort(connection: Connection, bucket: str, key: str, upload: str) -> None:
    """Nothing of it stays. Raises MultipartGone, Upstream."""
    await connection.call("DELETE", bucket, key, query={"uploadId": upload})
