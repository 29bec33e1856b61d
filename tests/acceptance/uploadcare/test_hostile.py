"""Forms that lie, break off or never end: a clear error, nothing left behind (contract 1.3, decision 13)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.uploadcare.wire import Wire, eventually, form, raw
from tests.servers.longshore import Longshore, running_longshore

PARSING = "HTTP POST request parsing failed."
TOO_LARGE = "The size of the request is too large."


@pytest.fixture(scope="module")
def alone() -> Iterator[Longshore]:
    """A server whose folders nobody else writes to; it takes 1 MiB directly."""
    with running_longshore({"UPLOAD__DIRECT_SIZE": str(1 << 20)}) as server:
        yield server


@pytest.fixture
def lone(alone: Longshore) -> Iterator[Wire]:
    with Wire(alone.url, alone.demo) as wire:
        yield wire


def incoming(server: Longshore) -> list[Path]:
    """What lies in `incoming`: bytes, not the empty marks that keys are closed with."""
    return [p for p in (server.data / "objects" / "incoming").rglob("*") if p.is_file() and p.stat().st_size]


def emptied(server: Longshore) -> bool:
    """Whether `incoming` is empty, or becomes so shortly."""
    return eventually(lambda: not incoming(server), within=5)


def head(length: int | str, boundary: str = "frontier", more: str = "") -> bytes:
    return (
        f"POST /base/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{more}"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n"
    ).encode()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def keyed(wire: Wire, *parts: tuple[str, str | None, str | None, bytes]) -> bytes:
    return form([("UPLOADCARE_PUB_KEY", None, None, wire.keys.public_key.encode()), *parts])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"--frontier",
        b"--frontier\r\n",
        b"--frontier\r\n\r\nno headers\r\n--frontier--\r\n",
        b"--frontier\r\nContent-Disposition: attachment\r\n\r\nx\r\n--frontier--\r\n",
        b'--frontier\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nnever ends',
        b'--frontier\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n--frontie',
        b"--frontier\r\nContent-Disposition: form-data; name=f; filename="
        + b"a" * 40_000
        + b"\r\n\r\nx\r\n--frontier--",
        b"--frontier\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100)) + b"\r\nx\r\n--frontier--\r\n",
        b"\r\n" * 100_000,
    ],
    ids=range(11),
)
def test_broken_forms_are_refused(alone: Longshore, lone: Wire, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=frontier"}
    answer = lone.send("POST", "/base/", content=body, headers=headers)

    assert (answer.status_code, answer.text) == (400, PARSING)
    assert emptied(alone)


@pytest.mark.parametrize("boundary", ["", '""', "b" * 71, "b" * 8000])
def test_absurd_boundaries_are_refused(lone: Wire, boundary: str) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = lone.send("POST", "/base/", content=b"--x--", headers=headers)

    assert (answer.status_code, answer.text) == (400, PARSING)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json", "application/x-www-form-urlencoded"])
def test_what_is_no_form_has_no_files(lone: Wire, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    path = f"/base/?UPLOADCARE_PUB_KEY={lone.keys.public_key}"

    assert lone.send("POST", path, content=b"a=b", headers=headers).text == "Request does not contain files."


def test_an_unfilled_file_input_is_no_file(lone: Wire) -> None:
    empty = ("file", "", "application/octet-stream", b"")
    key = ("UPLOADCARE_PUB_KEY", None, None, lone.keys.public_key.encode())

    assert lone.post_form([key, empty]).text == "Request does not contain files."
    named = lone.post_form([key, ("file", "", None, b"bytes all the same")]).json()["file"]
    assert lone.info(named).json()["original_filename"] == "unnamed"


def test_a_request_that_says_it_is_too_large_is_not_read(alone: Longshore) -> None:
    answer = raw(alone.port, head(1 << 40))

    assert status_of(answer) == 413
    assert answer.endswith(TOO_LARGE.encode())
    assert b"connection: close" in answer.lower()


def test_a_request_that_grows_too_large_is_cut_off(alone: Longshore, lone: Wire) -> None:
    """Chunked, so that no length is announced; the file alone is over what is taken directly."""

    def endless() -> Iterator[bytes]:
        yield keyed(lone, ("f", "a", None, b"")).removesuffix(b"\r\n--frontier--\r\n")
        for _ in range(64):
            yield b"x" * 65536

    headers = {"Content-Type": "multipart/form-data; boundary=frontier", "Accept": "application/json"}
    answer = lone.send("POST", "/base/", content=endless(), headers=headers)

    assert answer.json()["error"]["error_code"] in ("FileSizeLimitExceededError", "RequestSizeLimitExceededError")
    assert answer.headers["connection"] == "close"
    assert emptied(alone)


def test_an_unknown_key_before_the_file_saves_reading_it(alone: Longshore) -> None:
    body = form([("UPLOADCARE_PUB_KEY", None, None, b"nobody"), ("f", "a", None, b"x" * 500_000)])
    answer = raw(alone.port, head(len(body)) + body[:1000])

    assert status_of(answer) == 403
    assert answer.endswith(b"UPLOADCARE_PUB_KEY is invalid.")
    assert emptied(alone)


@pytest.mark.parametrize("length", ["-1", "٣", "1e3", str(1 << 70), "1, 2"])
def test_lengths_that_are_none_are_refused(alone: Longshore, length: str) -> None:
    answer = raw(alone.port, head(length))

    assert status_of(answer) in (400, 413)


def test_a_length_that_lies_short_breaks_the_form(alone: Longshore, lone: Wire) -> None:
    body = keyed(lone, ("f", "a", None, b"x" * 1000))
    answer = raw(alone.port, head(len(body) - 100) + body)

    assert status_of(answer) == 400
    assert answer.endswith(PARSING.encode())
    assert emptied(alone)


def test_a_sender_who_leaves_leaves_nothing(alone: Longshore, lone: Wire) -> None:
    total = lone.rest("GET", "/files/").json()["total"]
    body = keyed(lone, ("one", "a", None, b"x" * 1000), ("two", "b", None, b"y" * 900_000))

    raw(alone.port, head(len(body)) + body[:-300_000], hang_up=True)

    assert emptied(alone)
    assert lone.rest("GET", "/files/").json()["total"] == total


def test_refused_requests_leave_nothing(alone: Longshore, lone: Wire) -> None:
    for fields in ([("metadata[]", "x")], [("tags", "a b")], [("UPLOADCARE_FILE_ID", "x")]):
        assert lone.post(("a", b"x" * 10_000), ("b", b"y"), fields=fields).status_code == 400
    assert lone.post(("a", b"x"), key="nobody").status_code == 403

    assert emptied(alone)
    assert alone.data.joinpath("objects", "files").exists() is bool(lone.rest("GET", "/files/").json()["total"])


def test_bytes_that_look_like_boundaries_are_kept(lone: Wire) -> None:
    content = b"\r\n--frontie\r\n--\r\n--frontieR--\r\n--front" + bytes(range(256)) * 50
    file_id = lone.uploaded("tricky", content)

    lone.info(file_id, wait_is_ready="1")
    assert lone.send("GET", f"/{file_id}/").content == content


def test_nothing_crashed(alone: Longshore) -> None:
    """Last in this module: what all of the above made the server say."""
    bad = [line for line in alone.log() if line.get("event") in ("uploadcare.failed", "request.crashed", "job.crashed")]

    assert bad == [], json.dumps(bad, indent=1)
