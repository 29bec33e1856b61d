"""Requests as they go out: to whom, how long, how much."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from longshore.adapters.outbound import GuardedCaller, OutboundSettings
from longshore.core.signing import webhook_signature
from longshore.ports.outbound import AddressForbidden, NoAnswer

SOON = timedelta(seconds=5)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Word: yes\r\n\r\nok"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """A server of the other side. `requests` holds head and body of what came."""

    port: int
    requests: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=secret"


@contextlib.asynccontextmanager
async def receiving(answer: bytes | Talk, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Answers every request with `answer`, or does what it says."""
    receiver = Receiver(0)
    serving: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving[asyncio.current_task()] = writer
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
            receiver.requests.append((head, await reader.readexactly(length)))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for writer in serving.values():
            writer.transport.abort()
        await asyncio.gather(*(task for task in serving if task is not None), return_exceptions=True)


@contextlib.asynccontextmanager
async def calling(*allow: str, **options) -> AsyncIterator[GuardedCaller]:
    ca_file = options.pop("ca_file", None)
    caller = GuardedCaller(OutboundSettings(allow=allow, ca_file=ca_file), **options)
    try:
        yield caller
    finally:
        await caller.close()


@pytest.fixture
async def caller() -> AsyncIterator[GuardedCaller]:
    async with calling("127.0.0.1") as caller:
        yield caller


async def reason_of(call: Awaitable[object]) -> object:
    with pytest.raises(NoAnswer) as failure:
        await call
    assert "secret" not in str(failure.value)
    return failure.value.fields["reason"]


async def test_a_delivery_arrives_as_it_was_sent(caller: GuardedCaller) -> None:
    body = b'{"data": 1}'
    headers = {"Content-Type": "application/json", "X-Uc-Signature": webhook_signature("12345X", body)}
    async with receiving(OK) as receiver:
        answer = await caller.post(receiver.url, body, headers, within=SOON)

    assert (answer.status, answer.headers["x-word"], answer.body) == (200, "yes", b"ok")
    (head, received), *more = receiver.requests
    assert received == body
    assert not more
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?token=secret HTTP/1.1"
    assert f"X-Uc-Signature: {webhook_signature('12345X', body)}" in lines
    assert f"Host: 127.0.0.1:{receiver.port}" in lines
    assert any(line.startswith("User-Agent: Longshore/") for line in lines)


async def test_without_the_operators_word_nothing_local_is_called() -> None:
    async with receiving(OK) as receiver, calling() as caller:
        with pytest.raises(AddressForbidden):
            await caller.post(receiver.url, b"", {}, within=SOON)
        with pytest.raises(AddressForbidden):
            await caller.post(f"http://localhost:{receiver.port}/", b"", {}, within=SOON)
    assert receiver.requests == []


async def test_an_allowed_name_is_called() -> None:
    async with receiving(OK) as receiver, calling("localhost") as caller:
        answer = await caller.post(f"http://localhost:{receiver.port}/", b"", {}, within=SOON)
    assert answer.status == 200


async def test_a_name_is_looked_up_once_and_that_address_is_called() -> None:
    """DNS rebinding: whatever the name server says the second time is never heard."""
    asked: list[str] = []

    async def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with receiving(OK) as receiver, calling("127.0.0.1", resolve=resolve) as caller:
        url = f"http://rebinding.example:{receiver.port}/"
        assert (await caller.post(url, b"", {}, within=SOON)).status == 200
        with pytest.raises(AddressForbidden):
            await caller.post(url, b"", {}, within=SOON)

    assert asked == ["rebinding.example"] * 2  # once for each call
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:127.0.0.1", "fe80::1", "64:ff9b::7f00:1", "169.254.169.254"])
async def test_a_name_may_not_lead_inside(address: str) -> None:
    async def resolve(host: str) -> list[str]:
        return ["93.184.216.34", address]

    async with calling(resolve=resolve) as caller:
        with pytest.raises(AddressForbidden):
            await caller.post("http://inside.example/", b"", {}, within=SOON)


async def test_names_that_do_not_exist(caller: GuardedCaller) -> None:
    async def nothing(host: str) -> list[str]:
        return []

    assert await reason_of(caller.post("http://does-not-exist.invalid/", b"", {}, within=SOON)) == "name"
    async with calling(resolve=nothing) as other:
        assert await reason_of(other.post("http://empty.example/", b"", {}, within=SOON)) == "name"


async def test_a_slow_name_server() -> None:
    async def resolve(host: str) -> list[str]:
        await asyncio.sleep(60)
        return []

    async with calling(resolve=resolve) as caller:
        soon = timedelta(seconds=0.2)
        assert await reason_of(caller.post("http://slow.example/", b"", {}, within=soon)) == "slow"


async def test_another_address_is_tried_when_one_refuses(caller: GuardedCaller) -> None:
    async def resolve(host: str) -> list[str]:
        return ["127.0.0.3", "127.0.0.1"]

    async with receiving(OK) as receiver, calling("127.0.0.0/8", resolve=resolve) as other:
        answer = await other.post(f"http://two.example:{receiver.port}/", b"", {}, within=SOON)
    assert answer.status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_answers(caller: GuardedCaller, status: int) -> None:
    async with receiving(OK) as inside:
        redirect = f"HTTP/1.1 {status} Go\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n".encode()
        async with receiving(redirect) as receiver:
            answer = await caller.post(receiver.url, b"x", {}, within=SOON)

    assert answer.status == status
    assert inside.requests == []


async def test_proxies_of_the_environment_are_not_used(
    caller: GuardedCaller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with receiving(OK) as proxy, receiving(OK) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await caller.post(receiver.url, b"", {}, within=SOON)

    assert proxy.requests == []
    assert b"authorization" not in receiver.requests[0][0].lower()


async def test_cookies_are_not_kept(caller: GuardedCaller) -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with receiving(answer) as receiver:
        await caller.post(receiver.url, b"", {}, within=SOON)
        await caller.post(receiver.url, b"", {}, within=SOON)

    assert b"cookie" not in receiver.requests[1][0].lower()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then: no single wait is long."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def dripping_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        writer.write(f"X-{number}: y\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("talk", [silent, dripping, dripping_head])
async def test_slow_servers_are_left(caller: GuardedCaller, talk: Talk) -> None:
    async with receiving(talk) as receiver:
        start = time.monotonic()
        assert await reason_of(caller.post(receiver.url, b"", {}, within=timedelta(seconds=0.3))) == "slow"
        assert time.monotonic() - start < 2


@pytest.mark.parametrize("head", [b"Connection: close", b"Content-Length: 99999999999", b"Transfer-Encoding: chunked"])
async def test_an_endless_body_is_cut(caller: GuardedCaller, head: bytes) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        piece = b"x" * 65536
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + piece + b"\r\n" if b"chunked" in head else piece)
            await writer.drain()

    async with receiving(endless) as receiver:
        answer = await caller.post(receiver.url, b"", {}, within=SOON)

    assert answer.status == 200
    assert answer.body == b"x" * 65536


@pytest.mark.parametrize("size", [65535, 65536])
async def test_a_body_up_to_the_limit_is_whole(caller: GuardedCaller, size: int) -> None:
    async with receiving(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size) as receiver:
        answer = await caller.post(receiver.url, b"", {}, within=SOON)

    assert len(answer.body) == size


async def test_a_compressed_bomb_is_not_expanded(caller: GuardedCaller) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with receiving(head + bomb) as receiver:
        answer = await caller.post(receiver.url, b"", {}, within=SOON)

    assert answer.body == bomb[:65536]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "cut"),
        (b"220 mail.example ESMTP\r\n", "nonsense"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", "nonsense"),
        (b"HTTP/1.1 banana\r\n\r\n", "nonsense"),
    ],
)
async def test_answers_that_are_none(caller: GuardedCaller, answer: bytes, reason: str) -> None:
    async with receiving(answer) as receiver:
        assert await reason_of(caller.post(receiver.url, b"", {}, within=SOON)) == reason


async def test_nobody_listens(caller: GuardedCaller) -> None:
    async with receiving(OK) as receiver:
        url = receiver.url
    assert await reason_of(caller.post(url, b"", {}, within=SOON)) == "refused"


async def test_many_calls_at_once(caller: GuardedCaller) -> None:
    async with receiving(OK) as receiver:
        calls = [caller.post(receiver.url, str(number).encode(), {}, within=SOON) for number in range(50)]
        answers = await asyncio.gather(*calls)

    assert {answer.status for answer in answers} == {200}
    assert {body for _, body in receiver.requests} == {str(number).encode() for number in range(50)}


async def test_a_closed_caller_that_was_never_used_and_one_used_again() -> None:
    caller = GuardedCaller()
    await caller.close()
    await caller.close()


# --------------------------------------------------------------------------------------------------------------- TLS


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's context for `name`; its self-signed certificate lies in `folder`/ca.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


async def here(host: str) -> list[str]:
    return [str(ipaddress.IPv4Address("127.0.0.1"))]


async def test_tls_keeps_the_name_although_the_address_is_pinned(tmp_path: Path) -> None:
    tls = certificate(tmp_path, "hooks.example")
    asked_for: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with (
        receiving(OK, tls=tls) as receiver,
        calling("127.0.0.1", resolve=here, ca_file=str(tmp_path / "ca.pem")) as caller,
    ):
        answer = await caller.post(f"https://hooks.example:{receiver.port}/", b"x", {}, within=SOON)

    assert answer.status == 200
    assert asked_for == ["hooks.example"]


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_wrong_certificate_is_no_answer(tmp_path: Path, trusted: bool) -> None:
    tls = certificate(tmp_path, "other.example" if trusted else "hooks.example")
    ca_file = str(tmp_path / "ca.pem") if trusted else None
    async with receiving(OK, tls=tls) as receiver, calling("127.0.0.1", resolve=here, ca_file=ca_file) as caller:
        url = f"https://hooks.example:{receiver.port}/"
        assert await reason_of(caller.post(url, b"x", {}, within=SOON)) == "tls"
    assert receiver.requests == []


async def test_tls_to_a_server_that_does_not_speak_it(caller: GuardedCaller) -> None:
    async with receiving(OK) as receiver:
        url = receiver.url.replace("http://", "https://")
        assert await reason_of(caller.post(url, b"x", {}, within=timedelta(seconds=1))) in ("tls", "slow", "cut")
