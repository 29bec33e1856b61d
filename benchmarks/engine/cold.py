"""Cold renders through the pool beside the bare calls: each round pairs them, and ratios of one run are printed."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.negotiate import AcceptClass, choose
from longshore.core.imaging.plan import make_plan
from tests.corpus import photo_jpeg

ROUNDS = 25
BUSY = 8
LIMIT = 1.3
CLASSES = {"jpeg": AcceptClass.OTHER, "webp": AcceptClass.WEBP, "avif": AcceptClass.AVIF}


class Bare:
    """A warm process that makes the bare calls."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.engine.bare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, source: Path, target: Path, fmt: str, times: int = 1) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{source} {target} {fmt} {times}\n")
        self._process.stdin.flush()

    def seconds(self) -> float:
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def measure(folder: Path) -> bool:
    source = folder / "p12.jpg"
    source.write_bytes(photo_jpeg(4000, 3000, 1))
    bares = [Bare() for _ in range(2)]
    fine = True
    async with VipsPool(VipsSettings()) as pool:

        async def inspect() -> object:
            with source.open("rb") as file:
                return await pool.inspect(file.fileno())

        with source.open("rb") as file:
            facts = await pool.inspect(file.fileno())
        operations = parse("-/preview/800x600/").operations
        plans = {
            name: make_plan(operations, facts, choose(operations, accept, facts)) for name, accept in CLASSES.items()
        }

        async def render(name: str, number: int = 0) -> object:
            target = folder / f"out-{name}-{number}"
            with source.open("rb") as file:
                descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                try:
                    return await pool.render(plans[name], file.fileno(), descriptor)
                finally:
                    os.close(descriptor)

        print(f"12 MP JPEG of {source.stat().st_size >> 10} KB; median ms of {ROUNDS} pairs: pool, bare pyvips, ratio")
        for name in ("jpeg", "webp", "avif", "inspect"):
            ours: list[float] = []
            theirs: list[float] = []
            for _ in range(ROUNDS):
                ours.append(await _timed(inspect if name == "inspect" else lambda name=name: render(name)))
                bares[0].start(source, folder / "bare", name)
                theirs.append(bares[0].seconds())
            one, other = statistics.median(ours[3:]), statistics.median(theirs[3:])
            label = "inspect against decoding at 1/8" if name == "inspect" else f"cold preview/800x600 to {name}"
            print(f"  {label:36s} {one * 1e3:7.1f} {other * 1e3:7.1f}   {one / other:5.2f}")
            if name == "jpeg":
                fine = one / other <= LIMIT

        times = 20
        rates: list[tuple[float, float]] = []
        for _ in range(3):

            async def caller(number: int) -> None:
                for _ in range(times * 2 // BUSY):
                    await render("jpeg", number)

            began = time.perf_counter()
            await asyncio.gather(*(caller(number) for number in range(BUSY)))
            ours_rate = times * 2 // BUSY * BUSY / (time.perf_counter() - began)
            for number, bare in enumerate(bares):
                bare.start(source, folder / f"bare-{number}", "jpeg", times)
            rates.append((ours_rate, sum(1 / bare.seconds() for bare in bares)))
        one, other = (statistics.median(column) for column in zip(*rates, strict=True))
        print(f"  renders a second, {BUSY} callers; bare: two processes   {one:.1f} {other:.1f}   {one / other:.2f}")
    for bare in bares:
        bare.close()
    print(f"cold preview/800x600 to JPEG at most {LIMIT} x bare pyvips: {'yes' if fine else 'NO'}")
    return fine


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="longshore-bench-") as folder:
        return 0 if asyncio.run(measure(Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
