"""clamd that is away, dies, hangs, or talks nonsense: never "clean"."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from longshore.adapters.clamd import ClamdScanner, ClamdSettings
from longshore.ports.content import ScannerFailed, Verdict
from tests.eicar import eicar
from tests.servers.clamd import SIGNATURE, Clamd, running_clamd
from tests.servers.process import free_port, short_folder

MIB = 1 << 20


def scanner_of(server: Clamd, **settings: float) -> ClamdScanner:
    return ClamdScanner(msgspec.convert({"address": str(server.socket), **settings}, ClamdSettings))


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def reason_of(answer: Awaitable[object]) -> object:
    with pytest.raises(ScannerFailed) as failure:
        await answer
    return failure.value.fields["reason"]


async def test_no_clamd_is_no_verdict(clamd_to_break: Clamd) -> None:
    scanner = scanner_of(clamd_to_break)
    clamd_to_break.kill()  # the socket file stays

    assert await reason_of(scanner.scan(pieces(b"hello"))) == "unreachable"
    assert await reason_of(scanner.check()) == "unreachable"

    clamd_to_break.restart()
    assert await scanner.scan(pieces(b"hello")) == Verdict(signature=None)


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_wrong_address_is_no_verdict(tcp: bool) -> None:
    address = f"127.0.0.1:{free_port()}" if tcp else "/nonexistent/clamd.sock"
    scanner = ClamdScanner(ClamdSettings(address=address))

    with pytest.raises(ScannerFailed, match=address):
        await scanner.scan(pieces(b"hello"))
    with pytest.raises(ScannerFailed, match=address):
        await scanner.check()


async def test_clamd_killed_while_it_is_fed(clamd_to_break: Clamd) -> None:
    async def body() -> AsyncIterator[bytes]:
        for number in range(40):
            yield bytes(MIB)
            if number == 5:
                clamd_to_break.kill()

    assert await reason_of(scanner_of(clamd_to_break).scan(body())) == "cut"


async def test_clamd_killed_after_the_last_byte(clamd_to_break: Clamd) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield bytes(1000)
        clamd_to_break.kill()

    assert await reason_of(scanner_of(clamd_to_break).scan(body())) == "cut"


async def test_a_frozen_clamd_that_takes_no_bytes(clamd_to_break: Clamd) -> None:
    scanner = scanner_of(clamd_to_break, idle_timeout_s=0.3)
    clamd_to_break.pause()

    assert await reason_of(scanner.scan(pieces(bytes(8 * MIB)))) == "slow"


async def test_a_frozen_clamd_that_does_not_answer(clamd_to_break: Clamd) -> None:
    """A small file fits into the kernel's buffers: only the answer is missing."""
    scanner = scanner_of(clamd_to_break, scan_timeout_s=0.3, connect_timeout_s=0.3)
    clamd_to_break.pause()

    assert await reason_of(scanner.scan(pieces(b"hello"))) == "slow"
    assert await reason_of(scanner.check()) == "slow"

    clamd_to_break.resume()
    assert await scanner.scan(pieces(eicar())) == Verdict(signature=SIGNATURE)


async def test_waiting_for_a_turn_ends(clamd_to_break: Clamd) -> None:
    scanner = scanner_of(clamd_to_break, max_scans=1, queue_timeout_s=0.2, scan_timeout_s=2)
    clamd_to_break.pause()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(reason_of(scanner.scan(pieces(b"first"))))
        await asyncio.sleep(0.05)
        second = group.create_task(reason_of(scanner.scan(pieces(b"second"))))

    assert (first.result(), second.result()) == ("slow", "busy")


@pytest.mark.server
async def test_a_smaller_limit_of_clamd_is_noticed() -> None:
    """Not cleared, and not read to its end: clamd hangs up at its StreamMaxLength."""
    fed = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal fed
        for _ in range(50):
            yield bytes(MIB)
            fed += 1
            await asyncio.sleep(0)

    with running_clamd(stream_max="2M") as small:
        assert await reason_of(scanner_of(small).scan(body())) in ("size", "cut")
    assert fed < 50


# ------------------------------------------------------------------------------------------------- not quite a clamd

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def somebody_else(talk: Talk):
    """A scanner on a server that does as `talk` does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()

    with short_folder("fake") as folder:
        path = folder / "s"
        server = await asyncio.start_unix_server(serve, path)
        try:
            yield ClamdScanner(ClamdSettings(address=str(path), scan_timeout_s=2, connect_timeout_s=2))
        finally:
            server.close()


def answering(answer: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(bytes(4))
        writer.write(answer)
        await writer.drain()

    return talk


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "cut"),
        (b"stream: OK", "cut"),  # no NUL: cut off in the middle of an answer
        (b"\0", "refused"),
        (b"OK\0", "refused"),
        (b"stream: OK FOUND ERROR\0", "refused"),
        (b"stream:  FOUND\0", "refused"),
        (b"stream: Can't allocate memory ERROR\0", "refused"),
        (b"INSTREAM size limit exceeded. ERROR\0", "size"),
        (b"COMMAND READ TIMED OUT\0", "refused"),
        (b"UNKNOWN COMMAND\0", "refused"),
        (b"x" * 100_000 + b"\0", "cut"),
        (b"stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND\0", "limits"),
    ],
)
async def test_only_a_clear_answer_counts(answer: bytes, reason: str) -> None:
    async with somebody_else(answering(answer)) as scanner:
        assert await reason_of(scanner.scan(pieces(b"hello"))) == reason


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (b"stream: Eicar-Signature FOUND\0", "Eicar-Signature"),
        (b"stream: Eicar.UNOFFICIAL FOUND\0", "Eicar"),
        (b"stream: Win.Test.EICAR_HDB-1(44d88612fea8a8f36de82e1278abb02f:68) FOUND\0", "Win.Test.EICAR_HDB-1"),
        (b"stream: Mine.UNOFFICIAL(44d88612fea8a8f36de82e1278abb02f:68) FOUND\0", "Mine"),
    ],
)
async def test_a_signature_is_named_without_decoration(answer: bytes, name: str) -> None:
    async with somebody_else(answering(answer)) as scanner:
        assert await scanner.scan(pieces(b"hello")) == Verdict(signature=name)


async def test_feeding_stops_when_the_answer_is_there() -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(10 + 4 + 1000)
        writer.write(b"stream: Early FOUND\0")
        while await reader.read(65536):
            pass

    fed = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal fed
        for _ in range(1000):
            yield bytes(1000)
            fed += 1
            await asyncio.sleep(0.001)

    async with somebody_else(early) as scanner:
        assert await scanner.scan(body()) == Verdict(signature="Early")
    assert fed < 1000


async def test_something_that_is_not_clamd_is_told_so() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\0")
        writer.write(b"-ERR unknown command\0")
        await writer.drain()

    async with somebody_else(talk) as scanner:
        with pytest.raises(ScannerFailed, match="not clamd"):
            await scanner.check()


@pytest.mark.parametrize("version", [b"ClamAV 1.4.3/27500/Thu Jan  1 09:26:58 2026\0", b"ClamAV 1.4.3\0"])
async def test_the_version_line(version: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\0")
        writer.write(b"PONG\0" if asked == b"zPING\0" else version)
        await writer.drain()

    async with somebody_else(talk) as scanner:
        line = await scanner.check()
    assert line.startswith("ClamAV 1.4.3, ")
    assert ("signatures 27500 of Thu Jan  1 09:26:58 2026" in line) == (b"/" in version)


# ---------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"address": "clamd.sock"}, "host:port"),
        ({"address": "127.0.0.1"}, "host:port"),
        ({"address": "127.0.0.1:0"}, "host:port"),
        ({"address": "127.0.0.1:99999"}, "host:port"),
        ({"address": ":3310"}, "host:port"),
        ({"address": "/" + "x" * 107}, "107 bytes"),
        ({"address": "h:1", "max_size": 0}, "max_size"),
        ({"address": "h:1", "max_size": 3_000_000_000}, "2000 MiB"),
        ({"address": "h:1", "idle_timeout_s": -1}, "idle_timeout_s"),
        ({"address": "h:1", "port": 1}, "unknown field"),
        ({}, "address"),
    ],
)
def test_wrong_settings_say_what_is_wrong(settings: dict[str, object], word: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=word):
        msgspec.convert(settings, ClamdSettings)


@pytest.mark.parametrize("address", ["/run/clamav/clamd.ctl", "clamd.internal:3310", "127.0.0.1:3310", "[::1]:3310"])
def test_addresses_that_are_fine(address: str) -> None:
    assert msgspec.convert({"address": address}, ClamdSettings).address == address


def test_a_path_may_hold_a_colon() -> None:
    assert ClamdSettings(address=str(Path("/run/a:b"))).address == "/run/a:b"
