"""Clients that leave in the middle: nothing half-done stays, and they may come back."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.driver import Native, Requested, refused, sha256, until
from tests.acceptance.uploadcare.wire import form, raw

CONTENT = bytes(range(256)) * 16_384  # 4 MiB: more than any buffer on the way


def half(request: bytes) -> bytes:
    return request[: len(request) // 2]


def put_request(upload: Requested, content: bytes, *, chunked: bool = False) -> bytes:
    parts = urlsplit(upload.url)
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
    if chunked:
        return f"{head}Transfer-Encoding: chunked\r\n\r\n{len(content):x}\r\n".encode() + content + b"\r\n0\r\n\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def form_request(path: str, fields: dict[str, str], content: bytes) -> bytes:
    parts = [(name, None, None, value.encode()) for name, value in fields.items()]
    body = form([*parts, ("file", "a.bin", "application/octet-stream", content)])
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=frontier\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def open_files(native: Native) -> list[str]:
    """Files of the data folder that the server has open for writing objects: nameless ones are shown as deleted."""
    folder = Path(f"/proc/{native.server.process.pid}/fd")
    names: list[str] = []
    for entry in folder.iterdir():
        try:
            names.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return [name for name in names if re.search(r"/data/objects/(incoming|files|quarantine)/", name)]


@pytest.fixture
def nothing_left(own: Native) -> Iterator[None]:
    """What lies there, and what is open, is in the end what it was in the beginning."""
    before = own.lying("")
    yield
    until(lambda: own.lying(""), lambda lying: lying == before)
    until(lambda: open_files(own), lambda names: names == [])


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_leaving_in_the_middle_of_a_put_leaves_nothing(own: Native, chunked: bool) -> None:
    upload = own.request(CONTENT)

    raw(own.server.port, half(put_request(upload, CONTENT, chunked=chunked)), hang_up=True)

    refused(own.confirm(upload), 409, "bytes-missing")
    assert own.delivered(upload.id) == {}


@pytest.mark.usefixtures("nothing_left")
def test_leaving_in_the_middle_of_a_form_leaves_nothing(own: Native) -> None:
    upload = own.request(CONTENT, send_by="post")

    raw(own.server.port, half(form_request("/storage/", upload.send["fields"], CONTENT)), hang_up=True)

    refused(own.confirm(upload), 409, "bytes-missing")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("query", ["", "?jsonerrors=1"], ids=["plain", "json"])
@pytest.mark.parametrize(
    "after", [100, 300, 2_000_000, -10], ids=["header", "first field", "in the file", "last boundary"]
)
def test_leaving_in_the_middle_of_a_direct_upload_leaves_nothing(own: Native, query: str, after: int) -> None:
    request = form_request(f"/base/{query}", {"UPLOADCARE_PUB_KEY": own.keys.public_key}, CONTENT)
    total = own.wire.rest("GET", "/files/").json()["total"]

    raw(own.server.port, request[:after], hang_up=True)

    until(lambda: open_files(own), lambda names: names == [])
    assert own.wire.rest("GET", "/files/").json()["total"] == total


@pytest.mark.usefixtures("nothing_left")
def test_leaving_in_the_middle_of_a_request_admits_nothing(own: Native) -> None:
    body = b'{"name": "gone.bin", "type": "text/plain", "size": 1}'
    head = f"POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {own.keys.secret_key}\r\n"
    audited = own.call("GET", "/audit?limit=1").json()

    raw(own.server.port, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-5], hang_up=True)

    assert own.call("GET", "/audit?limit=1").json() == audited


def test_who_left_may_come_back_with_the_same_link(own: Native) -> None:
    upload = own.request(CONTENT)
    for _ in range(3):
        raw(own.server.port, half(put_request(upload, CONTENT)), hang_up=True)

    assert own.send(upload, CONTENT).status_code == 200

    own.confirm(upload)
    assert own.settle(upload)["digests"]["sha256"] == sha256(CONTENT)


def test_who_left_without_hearing_the_answer_goes_on_to_confirm(own: Native) -> None:
    upload = own.request(CONTENT)
    raw(own.server.port, put_request(upload, CONTENT), hang_up=True)
    until(lambda: own.lying(upload.id), bool)

    refused(own.send(upload, CONTENT), 412, "link-used")

    assert own.confirm(upload).status_code == 200
    assert own.settle(upload)["digests"]["sha256"] == sha256(CONTENT)


def test_leaving_in_the_middle_of_a_download_disturbs_nobody(own: Native) -> None:
    file_id = own.brought(CONTENT)["id"]
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", own.server.port)) as connection:
            connection.sendall(f"GET /{file_id}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            connection.recv(1000)

    assert own.deliver(file_id).content == CONTENT
    until(lambda: open_files(own), lambda names: names == [])


def test_leaving_in_the_middle_of_events_disturbs_nobody(own: Native) -> None:
    upload = own.sent(b"some text")
    head = f"GET /api/v1/uploads/{upload.id}/events HTTP/1.1\r\nHost: x\r\n"
    head += f"Authorization: Bearer {own.keys.secret_key}\r\n\r\n"
    own.confirm(upload)
    for _ in range(5):
        raw(own.server.port, head.encode(), hang_up=True)

    assert own.settle(upload)["state"] == "ready"
