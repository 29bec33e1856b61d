"""`/storage/` as browsers and S3 clients meet it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable

import pytest

from longshore.core.sizes import MIB
from longshore.ports.storage import SignedForm
from tests.integration.disk.conftest import Answer, Server, answer, head, new_key, put_head, until


def send(server: Server, *pieces: bytes) -> Answer:
    with server.line() as line:
        for piece in pieces:
            line.sendall(piece)
        return answer(line)


def code(answer: Answer) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    return json.loads(answer.body)["code"]


def test_a_put_is_stored_and_answers_with_an_etag(server: Server) -> None:
    key, content = new_key(), os.urandom(3 * MIB)

    got = send(server, put_head(server.put(key=key), Content_Length=len(content)), content)

    assert got.status == 200
    assert got.headers["etag"].strip('"')
    assert got.headers["etag"] == f'"{got.headers["etag"][1:-1]}"'
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["access-control-expose-headers"] == "ETag"
    assert not got.closed
    assert server.stored() == {key.name: content}


def test_a_connection_takes_one_put_after_the_other(server: Server) -> None:
    with server.line() as line:
        for _ in range(3):
            line.sendall(put_head(server.put(), Content_Length=70_000) + bytes(70_000))
            assert answer(line).status == 200
    assert len(server.stored()) == 3


def test_a_chunked_put_is_stored(server: Server) -> None:
    got = send(server, put_head(server.put(5, 5), Transfer_Encoding="chunked"), b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")

    assert got.status == 200
    assert list(server.stored().values()) == [b"hello"]


def test_a_link_is_used_once(server: Server) -> None:
    request = server.put(0, 100)
    assert send(server, put_head(request, Content_Length=5), b"first").status == 200

    again = send(server, put_head(request, Content_Length=6), b"second")

    assert (again.status, code(again)) == (412, "link-used")
    assert list(server.stored().values()) == [b"first"]


@pytest.mark.parametrize(
    ("low", "high", "headers", "body", "expected"),
    [
        (0, 4, {"Content_Length": 5}, b"hello", (413, "body-too-large")),
        (6, 9, {"Content_Length": 5}, b"hello", (400, "body-too-short")),
        (0, 4, {"Transfer_Encoding": "chunked"}, b"5\r\nhello\r\n0\r\n\r\n", (413, "body-too-large")),
        (6, 9, {"Transfer_Encoding": "chunked"}, b"5\r\nhello\r\n0\r\n\r\n", (400, "body-too-short")),
        (1, 9, {}, b"", (400, "body-too-short")),
        (0, 9, {"Content_Length": 5, "Content_Type": "text/html"}, b"hello", (400, "wrong-content-type")),
        (0, 9, {"Content_Length": 5, "Content_Type": ""}, b"hello", (400, "wrong-content-type")),
        (0, 10**13, {"Content_Length": 5 * 10**12}, b"hello", (507, "storage-full")),
    ],
)
def test_what_the_link_does_not_allow_is_refused(
    server: Server, low: int, high: int, headers: dict[str, str | int], body: bytes, expected: tuple[int, str]
) -> None:
    got = send(server, put_head(server.put(low, high), **headers), body)

    assert (got.status, code(got)) == expected
    assert ("retry-after" in got.headers) == (got.status == 507)
    assert server.stored() == {}


@pytest.mark.parametrize(
    "change",
    [
        ("signature=", "signature=A"),
        ("type=image%2Fpng", "type=image%2Fpng&type=image%2Fpng"),
        ("size=0-", "size=1-"),
        ("size=0-", "size=%D9%A0-"),
        ("?type", "?x=1&type"),
        ("?type", "?&type"),
        ("incoming/", "files/"),
        ("incoming/", "incoming%2F"),
        ("incoming/", "incoming//"),
        ("incoming/", "incoming/../incoming/"),
        ("?", "/?"),
        ("?", "#"),
    ],
)
def test_an_altered_link_is_refused(server: Server, change: tuple[str, str]) -> None:
    altered = put_head(server.put(), Content_Length=5).replace(change[0].encode(), change[1].encode(), 1)

    got = send(server, altered, b"hello")

    assert got.status in (400, 403)
    assert server.stored() == {}


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 405), ("HEAD", 405), ("DELETE", 405), ("PATCH", 405), ("POST", 405)]
)
def test_other_methods_are_refused(server: Server, method: str, status: int) -> None:
    got = send(server, put_head(server.put(), Connection="close").replace(b"PUT", method.encode(), 1))

    assert got.status == status
    assert got.headers["allow"] == "OPTIONS, POST, PUT"
    assert got.headers["access-control-allow-origin"] == "*"


def test_a_preflight_allows_any_page(server: Server) -> None:
    got = send(
        server,
        head(
            "OPTIONS",
            "/storage/incoming/x?y",
            Origin="https://shop.example",
            Access_Control_Request_Method="PUT",
            Access_Control_Request_Headers="content-type",
        ),
    )

    assert got.status == 204
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["access-control-allow-methods"] == "PUT, POST"
    assert "content-type" in got.headers["access-control-allow-headers"].lower()


BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def parts(fields: Iterable[tuple[str, str]], content: bytes, ending: bytes = b"") -> bytes:
    body = b""
    for name, value in fields:
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="ä.png"\r\n'.encode()
    return body + b"Content-Type: image/png\r\n\r\n" + content + f"\r\n--{BOUNDARY}--\r\n".encode() + ending


def post(server: Server, body: bytes, **headers: str | int) -> Answer:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return send(
        server, head("POST", "/storage/", **{"Content_Type": kind, "Content_Length": len(body), **headers}), body
    )


def fields_of(form: SignedForm) -> list[tuple[str, str]]:
    return list(form.fields.items())


@pytest.mark.parametrize("size", [0, 1, 65536, 3 * MIB])
def test_a_form_is_stored_and_may_be_repeated(server: Server, size: int) -> None:
    key = new_key()
    form = server.post(key=key)
    for _ in range(2):
        content = os.urandom(size)
        got = post(server, parts(fields_of(form), content))

        assert (got.status, got.closed) == (204, False)
        assert got.headers["etag"]
        assert server.stored() == {key.name: content}


def test_content_that_looks_like_a_boundary_is_content(server: Server) -> None:
    content = f"\r\n--{BOUNDARY[:-1]}x\r\n--{BOUNDARY[:-5]}\r\n\r\n--".encode() * 5000

    assert post(server, parts(fields_of(server.post()), content)).status == 204
    assert list(server.stored().values()) == [content]


def test_a_form_in_small_pieces_is_stored(server: Server) -> None:
    content = os.urandom(200)
    body = parts(fields_of(server.post()), content)
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    with server.line() as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.sendall(head("POST", "/storage/", Content_Type=kind, Content_Length=len(body)))
        for n in range(0, len(body), 7):
            line.sendall(body[n : n + 7])
        assert answer(line).status == 204
    assert list(server.stored().values()) == [content]


def test_a_form_is_held_to_its_policy(server: Server) -> None:
    form = server.post(3, 10)
    fields = dict(form.fields)
    for changed in (
        {**fields, "key": "incoming/other"},
        {**fields, "Content-Type": "text/html"},
        {**fields, "signature": "A" * 43},
        {**fields, "extra": "1"},
        {k: v for k, v in fields.items() if k != "policy"},
    ):
        assert code(post(server, parts(changed.items(), b"hello"))) == "link-invalid"
    twice = [*fields.items(), ("key", fields["key"])]
    assert code(post(server, parts(twice, b"hello"))) == "link-invalid"
    assert code(post(server, parts(fields.items(), b"12345678901"))) == "body-too-large"
    assert code(post(server, parts(fields.items(), b"12"))) == "body-too-short"
    assert server.stored() == {}


def test_a_form_that_is_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    body = parts(fields_of(server.post(0, 100_000)), b"")[:2000]

    got = post(server, body, Content_Length=10**12)

    assert (got.status, code(got), got.closed) == (413, "body-too-large", True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"--wrong--\r\n",
        f"--{BOUNDARY}--\r\n".encode(),
        f"--{BOUNDARY}\r\n\r\nhello\r\n--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n--{BOUNDARY}--\r\n'.encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\n{"x" * 9000}\r\n--{BOUNDARY}--'.encode(),
        f"--{BOUNDARY}\r\nX: {'y' * 20000}\r\n\r\n".encode(),
        b"\r\n" * 100_000,
        b"\r" * 100_000,
    ],
    ids=["empty", "text", "wrong", "no parts", "no name", "no file", "long field", "long header", "blank", "cr"],
)
def test_what_is_no_form_is_refused(server: Server, body: bytes) -> None:
    got = post(server, body)

    assert got.status == 400
    assert code(got) in ("form-invalid", "body-incomplete")
    assert server.stored() == {}


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 71])
def test_another_type_than_a_form_is_refused(server: Server, kind: str) -> None:
    assert code(post(server, b"hello", Content_Type=kind)) == "form-invalid"


def test_a_form_cut_short_is_not_stored(server: Server) -> None:
    body = parts(fields_of(server.post()), b"hello" * 1000)

    got = post(server, body[:-60])

    assert (got.status, code(got)) == (400, "body-incomplete")
    assert server.stored() == {}


def test_a_sender_who_leaves_leaves_nothing(server: Server) -> None:
    request = server.put()
    with server.line() as line:
        line.sendall(put_head(request, Content_Length=10 * MIB) + bytes(5 * MIB))
    assert until(lambda: server.stored() == {})

    assert send(server, put_head(request, Content_Length=5), b"again").status == 200


def test_a_silent_sender_is_given_up(server: Server) -> None:
    with server.line() as line:
        line.sendall(put_head(server.put(), Content_Length=100) + b"x")
        got = answer(line)

    assert (got.status, code(got), got.closed) == (400, "body-incomplete", True)
    assert server.stored() == {}


def test_continue_is_said_only_to_a_body_that_is_wanted(server: Server) -> None:
    request = server.put(0, 100)
    with server.line() as line:
        line.sendall(put_head(request, Content_Length=5, Expect="100-continue"))
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"hello")
        assert answer(line).status == 200
    with server.line() as line:
        line.sendall(put_head(request, Content_Length=5, Expect="100-continue"))
        assert answer(line).status == 412
