"""The Python client against a real server, from the first request to the delivered bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from longshore_client import (
    Client,
    Conflict,
    Forbidden,
    Invalid,
    LongshoreClient,
    NewUpload,
    NotFound,
    Progress,
    Refused,
    TooLarge,
    Unauthorized,
    sign_upload_token,
)
from tests import corpus
from tests.acceptance.driver import stored
from tests.eicar import eicar
from tests.servers.longshore import Longshore, ProjectKeys

CONTENT = os.urandom(3_000_000)


def photo(seed: int = 1) -> bytes:
    return corpus.photo_jpeg(640, 480, seed)


async def fetched(url: str) -> bytes:
    async with httpx.AsyncClient() as http:
        answer = await http.get(url)
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_a_photograph_goes_up_is_checked_and_comes_back(client: LongshoreClient, tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(photo())
    heard: list[Progress] = []

    file = await client.upload(
        path, kind="avatar", uploader="u-42", metadata={"album": "summer"}, on_progress=heard.append
    )

    assert (file.state, file.name, file.detected_type, file.kind) == ("ready", "holiday.jpg", "image/jpeg", "avatar")
    assert (file.uploader, file.metadata, file.size) == ("u-42", {"album": "summer"}, len(photo()))
    assert file.image is not None
    assert (file.image.format, file.image.width, file.image.height) == ("JPEG", 640, 480)
    assert file.digests is not None
    assert file.digests.sha256 == hashlib.sha256(photo()).hexdigest()
    assert file.urls is not None
    assert await fetched(file.urls.original) == photo()
    stages = list(dict.fromkeys(one.stage for one in heard))
    assert stages[:3] == ["sending", "confirming", "digest"]
    assert stages[-1] == "ready"
    assert await client.file(file.id) == await client.file(file.id, token=file.read_token)


@pytest.mark.parametrize("form", ["bytes", "stream"])
async def test_bytes_and_streams_arrive_whole(client: LongshoreClient, form: str) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(CONTENT), 50_000):
            yield CONTENT[start : start + 50_000]

    file = await client.upload(CONTENT if form == "bytes" else stream(), name="a.bin")

    assert file.digests is not None
    assert file.digests.sha256 == hashlib.sha256(CONTENT).hexdigest()


async def test_an_empty_file_arrives(client: LongshoreClient) -> None:
    file = await client.upload(b"", name="empty.txt")

    assert (file.size, file.state) == (0, "ready")


async def test_many_files_become_a_gallery_in_their_order(client: LongshoreClient, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(photo(number))

    await client.upload_many(paths, record="product/9", kind="avatar", parallel=3)

    gallery = await client.record("product/9", "avatar")
    assert [file.name for file in gallery.current] == [path.name for path in paths]


async def test_a_newer_avatar_takes_the_place_of_the_old_which_can_be_restored(client: LongshoreClient) -> None:
    old = await client.upload(photo(1), name="old.jpg", record="user/42", kind="avatar")
    new = await client.upload(photo(2), name="new.jpg", record="user/42", kind="avatar")
    assert [file.id for file in (await client.record("user/42", "avatar")).current] == [new.id]

    restored = await client.restore("user/42", "avatar", 1)

    assert [file.id for file in restored.current] == [old.id]
    assert [(one.version, one.current) for one in restored.positions[0].versions] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    with pytest.raises(NotFound):
        await client.restore("user/42", "avatar", 9)


async def test_a_removed_file_is_gone_and_can_be_revived(client: LongshoreClient) -> None:
    file = await client.upload(b"abc", name="a.txt", store=False)
    assert not file.is_stored

    assert (await client.remove(file.id)).state == "removed"
    with pytest.raises(NotFound):
        await client.signed_url(file.id)
    assert (await client.store(file.id)).is_ready
    assert await fetched((await client.signed_url(file.id)).url) == b"abc"


async def test_a_private_file_is_had_by_a_signed_url_only(
    client: LongshoreClient, server: Longshore, keys: ProjectKeys
) -> None:
    file = await client.upload(photo(), name="a.jpg", kind="contract")
    assert file.urls is None

    async with LongshoreClient(server.url, public_key=keys.public_key) as somebody:
        with pytest.raises(NotFound):
            await somebody.signed_url(file.id)
        signed = await somebody.signed_url(file.id, "-/preview/100x100/", lifetime=60, token=file.read_token)

    assert len(await fetched(signed.url)) < len(photo())


async def test_a_broken_image_is_refused_with_its_reason(client: LongshoreClient) -> None:
    with pytest.raises(Refused) as refused:
        await client.upload(corpus.truncated(photo()), name="broken.jpg")

    assert (refused.value.state, refused.value.code) == ("rejected", "broken-media")
    assert refused.value.file is not None
    with pytest.raises(Refused):
        await client.store(refused.value.file.id)


async def test_malware_is_refused(scanning_server: Longshore) -> None:
    async with LongshoreClient(scanning_server.url, key=scanning_server.demo.secret_key) as client:
        with pytest.raises(Refused, match="Eicar") as refused:
            await client.upload(eicar(), name="invoice.pdf")

    assert (refused.value.state, refused.value.code) == ("quarantined", "infected")


async def test_requests_that_make_no_sense_are_refused_before_any_byte(client: LongshoreClient, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="bad-name"):
        await client.upload(b"abc", name="a\x00b")
    with pytest.raises(NotFound, match="kind-not-found"):
        await client.upload(b"abc", kind="unheard-of")
    with pytest.raises(Invalid, match="type-not-accepted"):
        await client.upload(b"abc", name="a.txt", kind="avatar")
    with (tmp_path / "large.jpg").open("wb") as large:
        large.truncate(6_000_000)
    with pytest.raises(TooLarge, match="size-over-limit"):
        await client.upload(tmp_path / "large.jpg", kind="avatar")


async def test_a_stream_over_the_kinds_limit_is_given_up(client: LongshoreClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1_000_000)

    with pytest.raises(TooLarge):
        await client.upload(endless(), name="a.jpg", kind="avatar")


async def test_a_token_grants_what_it_says(server: Longshore, keys: ProjectKeys) -> None:
    token = sign_upload_token(
        *(keys.secret_key,),
        public_key=keys.public_key,
        uploader="u-7",
        group="premium",
        kinds=["avatar"],
        record="user/7",
        max_size=len(photo()),
        max_files=2,
    )

    async with LongshoreClient(server.url, token=token) as client:
        file = await client.upload(photo(), name="me.jpg")
        assert (file.kind, file.record, file.uploader, file.group) == ("avatar", "user/7", "u-7", "premium")
        assert (await client.file(file.id)).is_ready
        with pytest.raises(Forbidden, match="grant-too-narrow"):
            await client.upload(photo(), name="me.jpg", kind="contract")
        with pytest.raises(TooLarge):
            await client.upload(photo() + b"x", name="me.jpg")
        with pytest.raises(Forbidden):
            await client.remove(file.id)
        await client.upload(photo(), name="me.jpg")
        with pytest.raises(Forbidden, match="2 files"):
            await client.upload(photo(), name="me.jpg")


async def test_credentials_that_do_not_hold_are_told(server: Longshore, keys: ProjectKeys) -> None:
    old = sign_upload_token(keys.secret_key, public_key=keys.public_key, uploader="u", now=time.time() - 3600)
    forged = sign_upload_token("another-secret", public_key=keys.public_key, uploader="u")
    for wrong, code in (
        (LongshoreClient(server.url, key="no-such-key"), "unauthenticated"),
        (LongshoreClient(server.url, token=old), "token-expired"),
        (LongshoreClient(server.url, token=forged), "token-invalid"),
        (LongshoreClient(server.url, public_key="no-such-key"), "unauthenticated"),
    ):
        async with wrong as client:
            with pytest.raises(Unauthorized, match=code):
                await client.upload(b"abc")


async def test_the_public_key_uploads_but_names_no_record(server: Longshore, keys: ProjectKeys) -> None:
    async with LongshoreClient(server.url, public_key=keys.public_key) as client:
        assert (await client.upload(photo(), name="a.jpg")).is_ready
        with pytest.raises(Forbidden):
            await client.upload(photo(), name="a.jpg", record="user/1", kind="avatar")


async def test_sending_twice_is_as_good_as_once(client: LongshoreClient) -> None:
    """The second PUT of a write-once link is answered 412."""
    upload = await client.request_upload(NewUpload(name="a.txt", type="text/plain", size=3))
    await client.send(upload, b"abc")
    await client.send(upload, b"abc")

    first, second = await client.confirm(upload), await client.confirm(upload)

    assert first.file is not None
    assert second.file is not None
    assert first.file.id == second.file.id == upload.id
    assert (await client.wait(upload)).size == 3
    with pytest.raises(Conflict, match="upload-confirmed"):
        await client.abort(upload)


async def test_a_cancelled_upload_leaves_nothing(client: LongshoreClient, server: Longshore) -> None:
    sending = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield CONTENT
        sending.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(client.upload(slow(), name="cancelled.bin"))
    await sending.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    upload = await client.request_upload(NewUpload(name="a.bin", type="a/b", size=len(CONTENT)))
    await client.send(upload, CONTENT)
    assert any(upload.id in path for path in stored(server))
    await client.abort(upload)
    await client.abort(upload)
    assert not any(upload.id in path for path in stored(server))
    assert (await client.status(upload)).state == "aborted"


async def test_a_batch_is_answered_one_by_one(client: LongshoreClient) -> None:
    new = [NewUpload(name=f"{number}.txt", type="text/plain", size=number) for number in range(100)]
    new[50] = NewUpload(name="..", type="text/plain", size=1)

    outcomes = await client.request_uploads(new)

    assert [number for number, one in enumerate(outcomes) if isinstance(one, Invalid)] == [50]
    assert len({one.id for one in outcomes if not isinstance(one, Exception)}) == 99


async def test_the_projects_kinds_are_listed(client: LongshoreClient) -> None:
    kinds = {kind.name: kind for kind in await client.kinds()}

    assert kinds["avatar"].accept == ("image/jpeg", "image/png")
    assert kinds["avatar"].sizes == {"*": 5_000_000}
    assert kinds["contract"].visibility == "private"
    assert kinds["contract"].managed_by_file


def test_it_works_without_asyncio(server: Longshore, keys: ProjectKeys) -> None:
    with Client(server.url, key=keys.secret_key) as client:
        file = client.upload(photo(), name="a.jpg")
        assert client.file(file.id).is_ready
