"""Uploads as they go when nothing goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from clients.python.tests.conftest import QUICK
from clients.python.tests.fake import PUBLIC_KEY, FakeLongshore
from longshore_client import LongshoreClient, LongshoreError, NewUpload, Progress, Refused, TooLarge
from longshore_client.sources import type_of

CONTENT = os.urandom(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(CONTENT), 70_000):
        yield CONTENT[start : start + 70_000]


class Pipe(io.RawIOBase):
    """A file that cannot go back."""

    def __init__(self, content: bytes) -> None:
        self._inside = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inside.read(size)


async def test_a_path_goes_up_in_four_steps(client: LongshoreClient, server: FakeLongshore, tmp_path: Path) -> None:
    path = tmp_path / "holiday.WEBP"
    path.write_bytes(CONTENT)

    file = await client.upload(path, kind="avatar", record="user/42", uploader="u-42", metadata={"a": "b"}, store=True)

    assert server.log == ["request", "send", "confirm", "events"]
    assert (file.name, file.size, file.state, file.is_ready) == ("holiday.WEBP", len(CONTENT), "ready", True)
    assert file.digests is not None
    assert file.digests.sha256 == SHA256
    assert file.read_token == f"lr.{file.id}"
    assert "lr." not in repr(file)
    assert server.uploads[file.id].body == {
        "name": "holiday.WEBP",
        "type": "image/webp",
        "size": len(CONTENT),
        "kind": "avatar",
        "record": "user/42",
        "position": 0,
        "uploader": "u-42",
        "metadata": {"a": "b"},
        "store": True,
        "send_by": "put",
        "max_size": server.max_size,
    }


async def test_the_link_is_used_with_its_headers_and_no_credentials(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    await client.upload(b"abc", name="a.txt")

    headers = server.headers[server.log.index("send")]
    assert set(headers) == {"Host", "Content-Type", "Content-Length", "User-Agent"}
    assert (headers["Content-Type"], headers["Content-Length"]) == ("text/plain", "3")


@pytest.mark.parametrize("form", ["path", "str", "bytes", "memoryview", "file", "bytesio", "pipe", "fifo", "stream"])
async def test_every_sort_of_source_arrives_whole(
    client: LongshoreClient, server: FakeLongshore, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with path.open("rb") as opened:
        source = {
            "path": path,
            "str": str(path),
            "bytes": CONTENT,
            "memoryview": memoryview(CONTENT),
            "file": opened,
            "bytesio": io.BytesIO(CONTENT),
            "pipe": Pipe(CONTENT),
            "fifo": fifo,
            "stream": pieces(),
        }[form]
        async with asyncio.TaskGroup() as tasks:
            if form == "fifo":
                tasks.create_task(asyncio.to_thread(fifo.write_bytes, CONTENT))
            uploaded = tasks.create_task(client.upload(source))
        file = uploaded.result()

    assert file.digests is not None
    assert file.digests.sha256 == SHA256
    body = server.uploads[file.id].body
    assert body.get("size") == (None if form in ("pipe", "fifo", "stream") else len(CONTENT))
    assert file.name == {"path": "a.bin", "str": "a.bin", "file": "a.bin", "fifo": "fifo"}.get(form, "unnamed")


async def test_a_file_object_is_read_from_where_it_stands(client: LongshoreClient) -> None:
    source = io.BytesIO(b"header|body")
    source.seek(7)

    file = await client.upload(source)

    assert file.size == 4
    assert file.digests is not None
    assert file.digests.sha256 == hashlib.sha256(b"body").hexdigest()


@pytest.mark.parametrize("form", ["bytes", "path", "stream"])
async def test_an_empty_file_is_a_file(client: LongshoreClient, tmp_path: Path, form: str) -> None:
    path = tmp_path / "empty"
    path.touch()

    file = await client.upload({"bytes": b"", "path": path, "stream": Pipe(b"")}[form])

    assert (file.size, file.state) == (0, "ready")


async def test_a_stream_longer_than_allowed_is_given_up_without_sending(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    server.max_size = 10_000
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield bytes(1000)

    with pytest.raises(TooLarge) as refused:
        await client.upload(endless())

    assert refused.value.fields == {"limit": 10_000}
    assert read == 11
    assert server.log == ["request", "abort"]


async def test_progress_is_bytes_then_the_steps_of_the_check(client: LongshoreClient) -> None:
    heard: list[Progress] = []

    await client.upload(CONTENT, on_progress=heard.append)

    total = len(CONTENT)
    stages = list(dict.fromkeys(one.stage for one in heard))
    sending = [one.sent for one in heard if one.stage == "sending"]
    assert stages == ["sending", "confirming", "digest", "ready"]
    assert sending[0] == 0
    assert sending == sorted(sending)
    assert len(sending) > 10
    assert [one for one in heard if one.stage == "digest"] == [
        Progress(sent=total, total=total, stage="digest", percent=percent) for percent in (None, 0, 50, 100)
    ]
    assert heard[-1] == Progress(sent=total, total=total, stage="ready", percent=100)


async def test_without_waiting_the_file_is_still_checking(client: LongshoreClient, server: FakeLongshore) -> None:
    file = await client.upload(b"abc", wait=False)

    assert file.is_checking
    assert server.log == ["request", "send", "confirm"]
    assert (await client.wait(file.id)).is_ready


@pytest.mark.parametrize("state", ["quarantined", "rejected", "held"])
async def test_a_refused_file_is_an_error_that_says_why(
    client: LongshoreClient, server: FakeLongshore, state: str
) -> None:
    server.refusal = (state, {"code": "infected", "detail": "The file is infected: Eicar"})

    with pytest.raises(Refused) as refused:
        await client.upload(b"abc", name="a.txt")

    error = refused.value
    assert (error.code, error.detail, error.state) == ("infected", "The file is infected: Eicar", state)
    assert error.file is not None
    assert error.upload_id == error.file.id
    assert "abort" not in server.log


async def test_the_public_key_is_enough_to_upload_and_wait(server: FakeLongshore) -> None:
    async with LongshoreClient(server.origin, public_key=PUBLIC_KEY, retries=QUICK) as client:
        file = await client.upload(b"abc")

    assert file.is_ready
    used = [headers.get("Authorization") for headers in server.headers]
    assert used == [None, None, f"Bearer lw.{file.id}", f"Bearer lr.{file.id}"]


async def test_many_go_up_at_once_and_one_that_fails_stops_no_other(
    client: LongshoreClient, server: FakeLongshore, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.bin" for number in range(6)]
    for path in paths:
        path.write_bytes(CONTENT)
    paths[3] = tmp_path / "missing.bin"
    heard: set[Path] = set()

    outcomes = await client.upload_many(
        paths,
        parallel=3,
        record="product/9",
        kind="gallery",
        position=10,
        on_progress=lambda path, progress: heard.add(path) if progress.stage == "ready" else None,
    )

    assert isinstance(outcomes[3], FileNotFoundError)
    files = [one for one in outcomes if not isinstance(one, LongshoreError | OSError)]
    assert [(file.name, file.position) for file in files] == [(f"{n}.bin", 10 + n) for n in (0, 1, 2, 4, 5)]
    assert heard == {path for path in paths if path.exists()}
    assert 1 <= server.most_concurrent <= 3


async def test_the_steps_can_be_taken_one_by_one(client: LongshoreClient) -> None:
    upload = await client.request_upload(NewUpload(name="a.txt", type="text/plain", max_size=100))
    await client.send(upload, Pipe(b"hello"))
    status = await client.confirm(upload)
    assert status.state == "confirmed"
    assert (await client.wait(upload)).size == 5
    assert (await client.status(upload)).is_settled


async def test_what_is_no_source_is_refused_before_anything_is_asked(
    client: LongshoreClient, server: FakeLongshore, tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match="cannot upload int"):
        await client.upload(cast("Any", 3))
    with pytest.raises(TypeError, match="binary mode"):
        await client.upload(cast("Any", io.StringIO("text")))
    with pytest.raises(IsADirectoryError):
        await client.upload(tmp_path)
    assert server.log == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "image/jpeg"),
        ("A.JPG", "image/jpeg"),
        ("a.avif", "image/avif"),
        ("a.heic", "image/heic"),
        ("a.webp", "image/webp"),
        ("a.svg", "image/svg+xml"),
        ("a.tar.gz", "application/gzip"),
        ("a", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_the_type_follows_the_name(name: str, expected: str) -> None:
    assert type_of(name) == expected
