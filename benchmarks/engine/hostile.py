"""Files made to hurt, through the pool: what happens, how soon, at what memory; then mutations without end.

Run `python -m benchmarks.engine.hostile [MUTATIONS] [SEED]`. Each file is inspected by a fresh worker. A file must be
refused, done, or stopped at the deadline, and the worker must stay under LIMIT. Mutated files may end workers, and
nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.errors import Problem
from tests import corpus
from tests.mutations import held, mutate

MUTATIONS = 20_000
DEADLINE = 3.0
LIMIT = 1 << 30


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _png_with(name: bytes, body: bytes) -> bytes:
    plain = _saved(Image.new("RGB", (10, 10)), "PNG")
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return plain[:33] + chunk + plain[33:]


def _zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def _scans(count: int) -> bytes:
    plain = _saved(Image.fromarray(np.zeros((3000, 3000), np.uint8)), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    return plain[:-2] + plain[last:-2] * count + b"\xff\xd9"


def _gif(side: int, frames: int) -> bytes:
    plain = _saved(Image.new("P", (side, side)), "GIF")
    at = plain.index(b"\x2c" + struct.pack("<HHHH", 0, 0, side, side))
    return plain[:at] + (b"\x21\xf9\x04\x00\x04\x00\x00\x00" + plain[at:-1]) * frames + b";"


def _svg(body: str, side: int = 100) -> bytes:
    head = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {head} width="{side}" height="{side}">{body}</svg>'.encode()


def _uses() -> str:
    nested = "".join(f'<g id="a{i}">' + f'<use xlink:href="#a{i - 1}"/>' * 10 + "</g>" for i in range(1, 9))
    return f'<defs><g id="a0"><rect width="1" height="1"/></g>{nested}</defs><use xlink:href="#a8"/>'


def _entities() -> bytes:
    levels = b"".join(b'<!ENTITY %c "%s">' % (98 + i, (b"&%c;" % (97 + i)) * 10) for i in range(9))
    head = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">' + levels + b"]>"
    return head + _svg("<text>&j;</text>")


FILES: dict[str, Callable[[], bytes]] = {
    "PNG claiming 60000x60000": lambda: corpus.png_claiming(60_000, 60_000),
    "PNG text of 200 MB": lambda: _png_with(b"zTXt", b"a\0\0" + _zeros(200 << 20)),
    "PNG profile of 200 MB": lambda: _png_with(b"iCCP", b"a\0\0" + _zeros(200 << 20)),
    "JPEG of 2000 extra scans": lambda: _scans(2000),
    "JPEG 12000x12000 progressive": lambda: _saved(Image.new("L", (12_000, 12_000)), "JPEG", progressive=True),
    "JPEG 9000x9000 progressive": lambda: _saved(Image.new("L", (9_000, 9_000)), "JPEG", progressive=True),
    "JPEG cut in half": lambda: corpus.truncated(corpus.photo_jpeg(1632, 1224, 2)),
    "GIF 4000x4000, 500 frames": lambda: _gif(4000, 500),
    "WebP 16383x16383": lambda: _saved(Image.new("RGB", (16383, 16383)), "WEBP", lossless=True, method=0, quality=0),
    "TIFF 20000x20000": lambda: _saved(Image.new("1", (20_000, 20_000)), "TIFF", compression="group4"),
    "AVIF 16000x16000": lambda: _saved(Image.new("L", (16_000, 16_000)), "AVIF", speed=10, quality=10),
    "SVG 100000x100000": lambda: _svg("<rect width='9' height='9'/>", 100_000),
    "SVG of 10^8 nested uses": lambda: _svg(_uses()),
    "SVG of nested entities": _entities,
    "SVG of 300 MB, packed": lambda: gzip.compress(_svg("<!--" + "a" * (300 << 20) + "-->"), 9),
    "HTML": lambda: corpus.HTML * 50,
    "pixel list as text": lambda: b"# ImageMagick pixel enumeration: 9999,9999,255,srgb\n0,0: (1,2,3)\n",
}


async def _table(folder: Path) -> bool:
    fine = True
    print(f"{'file':30s} {'bytes':>9s} {'ms':>7s} {'MB':>5s}  outcome (deadline {DEADLINE} s)")
    for name, make in FILES.items():
        content = make()
        path = folder / "hostile"
        path.write_bytes(content)
        async with VipsPool(VipsSettings(workers=1, light_deadline=DEADLINE, heavy_deadline=DEADLINE)) as pool:
            began = time.monotonic()
            seen = [0]
            watcher = asyncio.create_task(_watch(pool.pids[0], seen))
            with path.open("rb") as source:
                try:
                    await pool.inspect(source.fileno())
                    outcome = "done"
                except Problem as problem:
                    outcome = f"{type(problem).__name__}: {problem.detail}"[:70]
            took = time.monotonic() - began
            watcher.cancel()
        peak = seen[0]
        fine = fine and took < DEADLINE + 0.5 and peak < LIMIT
        print(f"{name:30s} {len(content):9d} {took * 1e3:7.0f} {peak >> 20:5d}  {outcome}", flush=True)
    return fine


async def _watch(pid: int, seen: list[int]) -> None:
    """Note the most memory a worker has held, for it may be gone when it is asked afterwards."""
    with contextlib.suppress(OSError, LookupError):
        while True:
            seen[0] = held(pid, "VmHWM")
            await asyncio.sleep(0.005)


async def measure(count: int, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="longshore-bench-") as name:
        folder = Path(name)
        fine = await _table(folder)
        began = time.monotonic()
        async with VipsPool(VipsSettings(workers=1)) as pool:
            outcomes = await mutate(pool, folder, count, seed=seed)
            stats = pool.stats()
        print(f"\n{count} mutated files, seed {seed}, {time.monotonic() - began:.0f} s: {outcomes}")
        print(
            f"workers that ended: {stats.crashes}, killed at the deadline: {stats.timeouts}, recycled: {stats.recycled}"
        )
    return fine


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MUTATIONS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    return 0 if asyncio.run(measure(count, seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
