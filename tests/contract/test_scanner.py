"""What every Scanner promises. clamd, over both its sockets, is the only one so far."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from longshore.adapters.clamd import ClamdScanner, ClamdSettings
from longshore.ports.content import Scanner, ScannerFailed, Verdict
from tests.eicar import eicar, eicar_zip, eicar_zip_twice
from tests.servers.clamd import SIGNATURE, Clamd

MIB = 1 << 20
LIMIT = 8 * MIB
CLEAN = Verdict(signature=None)
INFECTED = Verdict(signature=SIGNATURE)


@pytest.fixture(params=["unix", "tcp"])
def scanner(request: pytest.FixtureRequest, clamd: Clamd) -> Scanner:
    address = str(clamd.socket) if request.param == "unix" else f"127.0.0.1:{clamd.port}"
    return ClamdScanner(ClamdSettings(address=address, max_size=LIMIT))


async def pieces(content: bytes, size: int = MIB) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("size", [1, 7, MIB])
@pytest.mark.parametrize("make", [eicar, eicar_zip, eicar_zip_twice])
async def test_malware_is_named_however_it_is_cut(scanner: Scanner, make, size: int) -> None:
    assert await scanner.scan(pieces(make(), size)) == INFECTED


@pytest.mark.parametrize("content", [b"", b"hello", bytes(3 * MIB + 5)], ids=["empty", "text", "zeros"])
async def test_harmless_content_is_clean(scanner: Scanner, content: bytes) -> None:
    assert await scanner.scan(pieces(content)) == CLEAN


async def test_pieces_larger_than_a_chunk_are_scanned_whole(scanner: Scanner) -> None:
    content = random.Random(1).randbytes(5 * MIB // 2) + eicar()

    assert await scanner.scan(pieces(content, len(content))) == INFECTED


async def test_an_empty_piece_does_not_end_the_stream(scanner: Scanner) -> None:
    """Else whatever follows it would never be scanned."""

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"", b"harmless ", b"", eicar(), b""):
            yield piece

    assert await scanner.scan(body()) == INFECTED


async def test_the_limit_itself_is_taken_and_one_byte_more_is_not(scanner: Scanner) -> None:
    assert await scanner.scan(pieces(bytes(LIMIT))) == CLEAN
    with pytest.raises(ScannerFailed) as failure:
        await scanner.scan(pieces(bytes(LIMIT + 1)))
    assert failure.value.fields == {"reason": "size", "limit": LIMIT}


async def test_an_error_of_the_source_is_its_own(scanner: Scanner) -> None:
    """A store that fails must not look like a scanner that fails."""

    async def body() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionResetError("the store hung up")

    with pytest.raises(ConnectionResetError, match="the store hung up"):
        await scanner.scan(body())


async def test_a_time_out_of_the_source_is_its_own(scanner: Scanner) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"some"
        raise TimeoutError("the store is slow")

    with pytest.raises(TimeoutError, match="the store is slow"):
        await scanner.scan(body())


async def test_a_hundred_scans_at_once_get_each_their_own_answer(scanner: Scanner) -> None:
    async def one(number: int) -> Verdict:
        content = random.Random(number).randbytes(200_000)
        return await scanner.scan(pieces(content + (eicar() if number % 2 else b""), 65536))

    verdicts = await asyncio.gather(*(one(number) for number in range(100)))

    assert verdicts == [INFECTED if number % 2 else CLEAN for number in range(100)]


async def test_a_cancelled_scan_leaves_the_scanner_usable(scanner: Scanner) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    scans = [asyncio.create_task(scanner.scan(endless())) for _ in range(20)]
    await asyncio.sleep(0.1)
    for scan in scans:
        scan.cancel()
    await asyncio.gather(*scans, return_exceptions=True)

    assert await scanner.scan(pieces(eicar())) == INFECTED


async def test_it_says_who_it_is(scanner: Scanner) -> None:
    line = await scanner.check()

    assert line.startswith("ClamAV 1.")
    assert "\n" not in line
