"""What a worker holds: peak memory by format and size, and whether it grows. Run `python -m benchmarks.engine.memory`.

Peaks are `VmHWM` of a fresh worker after one job. Then one worker, never recycled, does RENDERS jobs of many kinds; its
resident memory after a tenth of them and at the end must not differ by more than GROWTH.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.engine.calibrate import reduced
from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.negotiate import AcceptClass, choose
from longshore.core.imaging.plan import Plan, make_plan
from tests import corpus, graphics
from tests.mutations import held

RENDERS = 10_000
GROWTH = 24 << 20
_KINDS = {"JPEG": {"quality": 90}, "PNG": {"compress_level": 1}, "WEBP": {"quality": 80, "method": 0},
          "AVIF": {"quality": 60, "speed": 10}}  # fmt: skip


async def plan_for(pool: VipsPool, source: Path, path: str, accept: AcceptClass = AcceptClass.OTHER) -> Plan:
    with source.open("rb") as file:
        facts = await pool.inspect(file.fileno())
    operations = parse(path).operations
    return make_plan(operations, facts, choose(operations, accept, facts))


async def render(pool: VipsPool, plan: Plan, source: Path) -> None:
    target = os.open(source.parent / "result", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with source.open("rb") as file:
            await pool.render(plan, file.fileno(), target)
    finally:
        os.close(target)


async def peak(source: Path, path: str) -> int:
    """Of a fresh worker that does nothing else; the inspection has a worker of its own."""
    settings = VipsSettings(workers=1, recycle_jobs=1)
    async with VipsPool(settings) as pool:
        plan = await plan_for(pool, source, path)
    async with VipsPool(VipsSettings(workers=1, recycle_memory=1 << 40)) as pool:
        await render(pool, plan, source)
        return held(pool.pids[0], "VmHWM")


async def peaks(folder: Path) -> None:
    photo = Image.open(io.BytesIO(corpus.photo_jpeg(4000, 3000, 1)))
    print("peak memory of a worker in MB: to 800x600 in the same format, from 12 and 48 megapixels; and 12 as it is")
    for kind, options in _KINDS.items():
        row: list[int] = []
        whole = 0
        for megapixels, image in ((12, photo), (48, photo.resize((8000, 6000)))):
            source = folder / f"{megapixels}.{kind.lower()}"
            image.save(source, kind, **options)
            row.append(await peak(source, f"-/preview/800x600/-/format/{kind.lower()}/"))
            if megapixels == 12:
                whole = await peak(source, f"-/format/{kind.lower()}/")
        print(f"  {kind:5s} {row[0] >> 20:5d} {row[1] >> 20:5d}   {whole >> 20:5d}", flush=True)


async def growth(folder: Path, renders: int) -> bool:
    pictures = {
        "photo.jpg": corpus.photo_jpeg(640, 480, 1),
        "photo.png": corpus.png(320, 240, 1, alpha=True),
        "photo.avif": corpus.avif(320, 240, 1),
        "moving.gif": corpus.gif_animated(160, 120, 1),
        "drawing.svg": corpus.SVG,
    }
    Image.fromarray(graphics.screenshot(320, 240)).save(folder / "screen.webp", lossless=True)
    for name, content in pictures.items():
        (folder / name).write_bytes(content)
    Image.fromarray(reduced(2, 320, 240)).save(folder / "photo.tif")
    sources = [folder / name for name in (*pictures, "screen.webp", "photo.tif")]
    settings = VipsSettings(workers=1, recycle_jobs=10**9, recycle_memory=1 << 40)
    async with VipsPool(settings) as pool:
        paths = ("-/preview/160x120/", "-/scale_crop/100x100/center/-/quality/smart/", "-/resize/400x/-/blur/20/")
        jobs = [
            (source, await plan_for(pool, source, path, accept))
            for source, path, accept in itertools.product(sources, paths, AcceptClass)
        ]
        early = 0
        for number, (source, plan) in zip(range(renders), itertools.cycle(jobs), strict=False):
            await render(pool, plan, source)
            if number == renders // 10:
                early = held(pool.pids[0], "VmRSS")
        late = held(pool.pids[0], "VmRSS")
        stats = pool.stats()
    fine = late - early <= GROWTH and stats.recycled == 0 and stats.crashes == 0
    verdict = "flat" if fine else "GROWS"
    print(f"resident after {renders // 10} and {renders} renders: {early >> 20} and {late >> 20} MB: {verdict}")
    return fine


async def measure(renders: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="longshore-bench-") as folder:
        await peaks(Path(folder))
        return await growth(Path(folder), renders)


def main() -> int:
    return 0 if asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else RENDERS)) else 1


if __name__ == "__main__":
    sys.exit(main())
