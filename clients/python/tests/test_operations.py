"""Files, records, kinds, batches, and how answers and errors are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from clients.python.tests.fake import FakeLongshore, html, status
from longshore_client import (
    Client,
    Conflict,
    File,
    Forbidden,
    LongshoreClient,
    NewUpload,
    NotFound,
    ProblemError,
    Refused,
    ServerBusy,
    Throttled,
    TooLarge,
    Unauthorized,
    UnexpectedAnswer,
    Upload,
)
from longshore_client.decoding import decode
from longshore_client.errors import problem


async def test_a_file_is_looked_at_stored_removed_and_revived(client: LongshoreClient) -> None:
    file = await client.upload(b"abc")

    assert (await client.file(file.id)).id == file.id
    assert (await client.store(file.id)).is_stored
    assert (await client.remove(file.id)).state == "removed"
    assert (await client.store(file.id)).is_ready


async def test_a_read_token_takes_the_place_of_the_clients_credentials(
    client: LongshoreClient, server: FakeLongshore
) -> None:
    file = await client.upload(b"abc")

    await client.file(file.id, token=file.read_token)

    assert server.headers[-1]["Authorization"] == f"Bearer lr.{file.id}"


async def test_a_signed_url_names_operations_and_lifetime(client: LongshoreClient, server: FakeLongshore) -> None:
    file = await client.upload(b"abc")

    signed = await client.signed_url(file.id, "-/preview/800x600/", lifetime=60)

    assert signed.url == f"{server.origin}/{file.id}/-/preview/800x600/?token=60"
    assert signed.expires_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert "token" not in repr(signed)


async def test_a_record_has_current_files_and_versions(client: LongshoreClient) -> None:
    restored = await client.restore("user/42", "avatar", 1)
    record = await client.record("user/42", "avatar")

    assert restored.positions[0].versions[0].version == 2
    assert (record.record, record.kind) == ("user/42", "avatar")
    assert [file.name for file in record.current] == ["a.jpg"]
    assert [(one.version, one.current) for one in record.positions[0].versions] == [(2, True), (1, False)]


async def test_labels_in_a_path_are_quoted(client: LongshoreClient) -> None:
    assert (await client.record("user/a@b:c", "avatar")).record == "user/a@b:c"
    for wrong in ("user", "user/", "/42"):
        with pytest.raises(ValueError, match="user/42"):
            await client.record(wrong, "avatar")
    with pytest.raises(ValueError, match="no id"):
        await client.file("..")
    with pytest.raises(NotFound):
        await client.file("../kinds")


async def test_kinds_are_listed(client: LongshoreClient) -> None:
    kinds = await client.kinds()

    assert [(kind.name, kind.accept, kind.sizes) for kind in kinds] == [("avatar", ("image/*",), {"*": 1000})]


async def test_a_batch_answers_for_each(client: LongshoreClient) -> None:
    new = [NewUpload(name=name, type="a/b", size=1) for name in ("one", "bad", "two")]

    first, second, third = await client.request_uploads(new)

    assert isinstance(first, Upload)
    assert isinstance(third, Upload)
    assert isinstance(second, ProblemError)
    assert (first.name, second.code, third.name) == ("one", "bad-name", "two")
    assert first.send is not None
    assert first.write_token not in repr(first)
    assert first.send.url not in repr(first)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (410, NotFound),
        (413, TooLarge),
        (418, ProblemError),
        (429, Throttled),
        (500, ServerBusy),
        (507, ServerBusy),
    ],
)
def test_statuses_are_types(code: int, kind: type[ProblemError]) -> None:
    error = problem(code, {"code": "some-code", "detail": "Why", "limit": 5, "status": code, "title": "T"})

    assert type(error) is kind
    assert (error.code, error.status, error.detail, error.fields) == ("some-code", code, "Why", {"limit": 5})
    assert str(error) == "Why [some-code]"


async def test_storing_a_refused_file_is_refused(client: LongshoreClient, server: FakeLongshore) -> None:
    server.refusal = ("rejected", {"code": "broken-media", "detail": "Truncated"})
    with pytest.raises(Refused) as refused:
        await client.upload(b"abc")
    assert refused.value.upload_id is not None

    with pytest.raises(Refused):
        await client.store(refused.value.upload_id)


async def test_a_proxys_page_is_an_error_without_a_code(client: LongshoreClient, server: FakeLongshore) -> None:
    server.script["kinds"] = [html(404)]

    with pytest.raises(NotFound, match="http-404"):
        await client.kinds()


async def test_wrong_credentials_are_told_at_once(server: FakeLongshore) -> None:
    async with LongshoreClient(server.origin, key="wrong") as client:
        with pytest.raises(Unauthorized):
            await client.upload(b"abc")
    assert server.log == ["request"]


async def test_a_store_that_answers_in_xml_is_understood(client: LongshoreClient, server: FakeLongshore) -> None:
    from aiohttp import web

    async def s3(request: object) -> web.StreamResponse:
        xml = "<?xml version='1.0'?><Error><Code>EntityTooLarge</Code><Message>Too big</Message></Error>"
        return web.Response(status=400, text=xml, content_type="application/xml")

    server.script["send"] = [s3]
    with pytest.raises(ProblemError, match="EntityTooLarge") as refused:
        await client.upload(b"abc")
    assert refused.value.detail == "Too big"


_FILE: dict[str, Any] = {
    "id": "x",
    "state": "a-new-state",
    "name": "n",
    "size": 1,
    "declared_type": "a/b",
    "uploaded_at": "2026-11-20T10:00:00.5Z",
}


def test_answers_of_older_and_newer_servers_are_read() -> None:
    place = {"latitude": 1, "longitude": 2.5}
    image = {"format": "PNG", "width": 1, "height": 2, "color_mode": "RGB", "dpi": [72, 72], "geo_location": place}
    file = decode(File, {**_FILE, "colour": "blue", "image": image})

    assert file.state == "a-new-state"
    assert file.uploaded_at == datetime(2026, 11, 20, 10, 0, 0, 500_000, tzinfo=UTC)
    assert file.image is not None
    assert file.image.dpi == (72, 72)
    assert file.image.geo_location is not None
    assert file.image.geo_location.latitude == 1.0


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], "File"),
        ({**_FILE, "size": "1"}, "File.size"),
        ({**_FILE, "size": True}, "File.size"),
        ({**_FILE, "uploaded_at": "soon"}, "File.uploaded_at"),
        ({name: value for name, value in _FILE.items() if name != "id"}, "File.id"),
        ({**_FILE, "image": 3}, "File.image"),
    ],
)
def test_answers_that_make_no_sense_name_the_place(body: object, where: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=where):
        decode(File, body)


@pytest.mark.parametrize("make", [LongshoreClient, Client])
def test_a_client_is_made_with_one_credential_and_a_real_url(make: Any) -> None:
    for wrong in ({}, {"key": "a", "token": "b"}, {"token": "a", "public_key": "b"}):
        with pytest.raises(ValueError, match="exactly one"):
            make("http://x", **wrong)
    for url in ("x", "ftp://x", "http://", "http://x/?a=b", ""):
        with pytest.raises(ValueError, match="base_url"):
            make(url, key="a")


async def test_a_closed_client_says_so(server: FakeLongshore) -> None:
    client = LongshoreClient(server.origin, key="k")
    await client.close()
    await client.close()

    with pytest.raises(RuntimeError, match="closed"):
        await client.kinds()


async def test_statuses_of_busy_servers_keep_retry_after(client: LongshoreClient, server: FakeLongshore) -> None:
    server.script["kinds"] = [status(503, "busy", Retry_After="500")]

    with pytest.raises(ServerBusy) as refused:
        await client.kinds()
    assert refused.value.retry_after == 500
