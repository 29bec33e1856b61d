"""The bounded protocol on raw sockets: what is too large ends early, what is answered early ends too."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from longshore.core.sizes import GIB, MIB
from tests.integration.disk.conftest import Answer, Server, answer, head, put_head


def flood(line: socket.socket, piece: bytes, most: int) -> int:
    """Send `piece` again and again until the other side ends it, `most` bytes at most; how many went."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < most:
            sent += line.send(piece)
    return sent


@pytest.mark.parametrize(
    ("start", "piece", "status"),
    [
        (b"GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: ", b"a" * MIB, 431),
        (b"GET /hello HTTP/1.1\r\nHost: x\r\n", b"X-Many: abcdefghijklmnopqrstuvwxyz\r\n" * 30_000, 431),
        (b"GET /hello HTTP/1.1\r\nHost: x\r\n", b"X" * MIB, 431),
        (b"GET /", b"a" * MIB, 414),
        (b"GET /?", b"a" * MIB, 414),
        (b"", b"\r\n" * (MIB // 2), 431),
    ],
    ids=["long value", "many headers", "long name", "path", "query", "blank lines"],
)
def test_an_endless_header_is_cut_early_with_flat_memory(
    server: Server, start: bytes, piece: bytes, status: int
) -> None:
    before = server.memory("VmRSS")
    with server.line() as line:
        line.sendall(start)
        sent = flood(line, piece, 200 * MIB)
        assert sent < 20 * MIB
        with contextlib.suppress(ConnectionResetError):  # so much more was sent that the answer may be lost
            assert answer(line).status == status
    assert server.memory("VmHWM") - before < 16 * MIB


@pytest.mark.parametrize(
    ("request_head", "status", "code"),
    [
        (head("GET", "/hello", X_Long="a" * 40_000), 431, "headers-too-large"),
        (head("GET", "/hello", **{f"X-{n}": "a" * 100 for n in range(400)}), 431, "headers-too-large"),
        (head("GET", "/" + "a" * 9000), 414, "url-too-long"),
        (head("GET", "/hello?" + "a" * 9000), 414, "url-too-long"),
        (b"hello\r\n\r\n", 400, "request-malformed"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "request-malformed"),
        (head("POST", "/hello", Content_Length="5, 5"), 400, "request-malformed"),
        (head("POST", "/hello", Content_Length=5, Transfer_Encoding="chunked"), 400, "request-malformed"),
        (head("POST", "/hello", Content_Length=2**64), 400, "request-malformed"),
        (head("POST", "/hello", Content_Length="٥".encode().decode("latin-1")), 400, "request-malformed"),
    ],
)
def test_what_is_too_large_or_malformed_is_told_so(server: Server, request_head: bytes, status: int, code: str) -> None:
    with server.line() as line:
        line.sendall(request_head)
        got = answer(line)

    assert (got.status, got.closed) == (status, True)
    assert got.headers["content-type"] == "application/problem+json"
    assert code.encode() in got.body
    assert got.headers["connection"] == "close"


@pytest.mark.parametrize("size", [20_000, 30_000])
def test_large_headers_within_the_limit_are_taken(server: Server, size: int) -> None:
    with server.line() as line:
        for _ in range(2):
            line.sendall(head("GET", "/hello?" + "q" * 8000, X_Long="a" * (size - 8000)))
            got = answer(line)
            assert (got.status, got.closed) == (200, False)


def test_pipelined_requests_are_each_measured_alone(server: Server) -> None:
    with server.line() as line:
        line.sendall(head("GET", "/hello", X_Long="a" * 20_000) * 10)
        line.settimeout(5)
        text = b""
        while text.count(b"200 OK") < 10:
            text += line.recv(65536)


def test_an_endless_trailer_is_cut(server: Server) -> None:
    before = server.memory("VmRSS")
    with server.line() as line:
        line.sendall(head("POST", "/late", Transfer_Encoding="chunked") + b"1\r\nx\r\n0\r\nX-Trailer: ")
        assert flood(line, b"a" * MIB, 200 * MIB) < 20 * MIB
    assert server.memory("VmHWM") - before < 16 * MIB


def test_a_slow_header_is_given_up(server: Server) -> None:
    with server.line() as line:
        line.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n")
        start = time.monotonic()
        got = answer(line)
        assert (got.status, got.closed) == (408, True)
        assert 1 < time.monotonic() - start < 4


def test_a_slow_header_is_given_up_on_a_used_connection_too(server: Server) -> None:
    with server.line() as line:
        line.sendall(head("GET", "/hello"))
        assert answer(line).status == 200
        line.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n")
        for _ in range(6):  # it does not help to send a little now and then
            time.sleep(0.2)
            line.sendall(b"X-Slow: 1\r\n")
        assert (answer(line).status) == 408


def test_a_silent_connection_is_ended(server: Server) -> None:
    with server.line() as line:
        line.settimeout(4)
        assert line.recv(1) == b""


def send_much(server: Server, start: bytes) -> tuple[Answer, int, float]:
    """1 GiB after `start`: the answer, what was sent until it came, and after how many seconds."""
    begin = time.monotonic()
    with server.line() as line:
        line.sendall(start)
        line.setblocking(False)
        sent, piece = 0, bytes(MIB)
        while sent < GIB:
            with contextlib.suppress(BlockingIOError):
                sent += line.send(piece)
            with contextlib.suppress(BlockingIOError):
                if line.recv(1, socket.MSG_PEEK):
                    break
        took = time.monotonic() - begin
        return answer(line), sent, took


@pytest.mark.parametrize("target", ["bad signature", "no route", "unread"])
def test_a_gigabyte_that_is_refused_is_neither_taken_nor_waited_for(server: Server, target: str) -> None:
    request = {
        "bad signature": put_head(server.put(), Content_Length=GIB).replace(b"signature=", b"signature=A"),
        "no route": head("POST", "/nowhere", Content_Length=GIB),
        "unread": head("POST", "/hello", Content_Length=GIB),
    }[target]

    got, sent, took = send_much(server, request)

    assert got.status == {"bad signature": 403, "no route": 404, "unread": 200}[target]
    assert got.headers["connection"] == "close"
    assert sent < 32 * MIB
    assert took < 3


def test_the_connection_ends_soon_after_an_early_refusal(server: Server) -> None:
    """Also when the sender goes on, slowly."""
    with server.line() as line:
        line.sendall(put_head(server.put(), Content_Length=GIB).replace(b"signature=", b"signature=A"))
        assert answer(line).status == 403
        start = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - start < 10:
                line.sendall(b"x" * 1000)
                time.sleep(0.05)
        assert time.monotonic() - start < 4


def test_a_small_body_that_nobody_read_costs_nothing(server: Server) -> None:
    """It has arrived already: the connection can go on."""
    with server.line() as line:
        for _ in range(3):
            line.sendall(head("POST", "/hello", Content_Length=5) + b"hello")
            got = answer(line)
            assert (got.status, got.closed) == (200, False)


def test_a_body_that_arrives_before_the_late_answer_keeps_the_connection(server: Server) -> None:
    with server.line() as line:
        line.sendall(head("POST", "/late", Content_Length=10) + b"hello")
        time.sleep(0.05)
        line.sendall(b"hello")
        assert (answer(line).status) == 200
        line.sendall(head("GET", "/hello"))
        assert answer(line).status == 200


def test_a_gigabyte_by_a_link_passes_with_flat_memory(server: Server) -> None:
    with server.line() as line:
        line.settimeout(60)
        line.sendall(put_head(server.put(), Content_Length=GIB))
        before = server.memory("VmRSS")
        for _ in range(1024):
            line.sendall(bytes(MIB))
        assert answer(line, patience=60).status == 200
    assert server.memory("VmHWM") - before < 50 * MIB
