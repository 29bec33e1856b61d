"""The one read of a received file: digests, scanner and type detection, each beside its bare cost.

    python -m benchmarks.read           prints a table; each ratio is ours / bare, medians of alternating rounds

`digests` beside hashlib and google-crc32c in one thread, `scan` beside a blocking socket that talks to the same clamd,
`read once` (disk, digests and scan side by side, as job `inspect` does it) beside one script that reads, digests and
scans in turn. Detection has no counterpart: it must stay small beside the event loop's other work.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import socket
import statistics
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import google_crc32c

from longshore.adapters.clamd import ClamdScanner, ClamdSettings
from longshore.adapters.content import ContentDetector, StreamDigesters
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.core.ids import FileId
from longshore.core.sizes import MIB
from longshore.ports.storage import ObjectKey
from longshore.services.reading import read_once
from tests import corpus
from tests.servers.clamd import Clamd, running_clamd

ROUNDS = 15


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), MIB):
        yield content[start : start + MIB]


def bare_digests(content: bytes) -> None:
    sha256, md5, crc32c = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    for start in range(0, len(content), MIB):
        piece = content[start : start + MIB]
        sha256.update(piece)
        md5.update(piece)
        crc32c = google_crc32c.extend(crc32c, piece)


def bare_scan(content: bytes, clamd: Clamd) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(clamd.socket))
        line.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), MIB):
            piece = content[start : start + MIB]
            line.sendall(len(piece).to_bytes(4, "big"))
            line.sendall(piece)
        line.sendall(bytes(4))
        assert line.recv(4096) == b"stream: OK\0"


def bare_read(path: Path, clamd: Clamd) -> None:
    content = path.read_bytes()
    bare_digests(content)
    bare_scan(content, clamd)


async def our_digests(content: bytes) -> None:
    digester = StreamDigesters().begin()
    async for piece in pieces(content):
        await digester.update(piece)
    digester.finish()


async def our_scan(content: bytes, scanner: ClamdScanner) -> None:
    verdict = await scanner.scan(pieces(content))
    assert verdict.signature is None


async def our_read(store: DiskObjectStore, key: ObjectKey, scanner: ClamdScanner) -> None:
    reading = await read_once(
        store, key, digesters=StreamDigesters(), scanner=scanner, head_size=ContentDetector.head_size, heard=ignore
    )
    assert reading.verdict is not None
    assert reading.verdict.signature is None


def ignore(_: int) -> None:
    pass


async def compare(name: str, ours: Callable[[], Awaitable[None]], bare: Callable[[], None]) -> float:
    """Prints and returns ours / bare."""
    bare()
    await ours()
    times: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        bare()
        middle = time.perf_counter()
        await ours()
        times.append((time.perf_counter() - middle, middle - start))
    ratio = statistics.median(o / b for o, b in times)
    mine, theirs = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
    print(f"  {name:<12} {mine:8.2f} ms   bare {theirs:8.2f} ms   ratio {ratio:.2f}")
    return ratio


async def measure(name: str, content: bytes, clamd: Clamd, root: Path) -> float:
    """The table for one file. The last ratio, of the whole read."""
    scanner = ClamdScanner(ClamdSettings(address=str(clamd.socket)))
    store, key = DiskObjectStore(root), ObjectKey.sealed(FileId(uuid4()), "bench")
    await store.put(key, pieces(content), limit=len(content))
    path = root / "bare"
    path.write_bytes(content)
    print(f"{name}, {len(content) / MIB:.1f} MiB")
    await compare("digests", lambda: our_digests(content), lambda: bare_digests(content))
    await compare("scan", lambda: our_scan(content, scanner), lambda: bare_scan(content, clamd))
    ratio = await compare("read once", lambda: our_read(store, key, scanner), lambda: bare_read(path, clamd))
    store.close()
    return ratio


async def detection() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("[Content_Types].xml", "_rels/.rels", "word/document.xml"):
            archive.writestr(name, "<x/>" * 1000)
    heads = {
        "jpeg": corpus.photo_jpeg(4000, 3000, 1),
        "docx": out.getvalue(),
        "html": corpus.HTML * 1000,
        "svg": corpus.SVG,
        "text": b"All work and no play makes Jack a dull boy.\n" * 2000,
        "json": b'{"rows": [' + b'{"a": 1, "b": [true, null]}, ' * 500 + b"0]}",
        "random": os.urandom(1 << 16),
    }
    detector = ContentDetector()
    print("detection of a 64 KiB head")
    for name, content in heads.items():
        head = content[: detector.head_size]
        await detector.detect(head, name="x")
        times: list[float] = []
        for _ in range(200):
            start = time.perf_counter()
            await detector.detect(head, name="x")
            times.append(time.perf_counter() - start)
        print(f"  {name:<12} {statistics.median(times) * 1000:8.2f} ms")


def main() -> float:
    """The ratio of the whole read of a 12-megapixel JPEG: lower is better."""
    with running_clamd() as clamd, tempfile.TemporaryDirectory(prefix="ls-bench-") as folder:
        ratio = asyncio.run(measure("JPEG of 12 megapixels", corpus.photo_jpeg(4000, 3000, 1), clamd, Path(folder)))
        asyncio.run(measure("random bytes", os.urandom(64 * MIB), clamd, Path(folder)))
        asyncio.run(detection())
    return ratio


if __name__ == "__main__":
    main()
