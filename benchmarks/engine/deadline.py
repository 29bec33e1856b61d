"""A worker past its deadline: how soon it is dead, and what its neighbours notice.

Light jobs run one after another beside a worker that is stopped and replaced all the time, and, in turns, beside one
that works on the same without being stopped: the neighbours' p95 is compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import statistics
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import structlog

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.plan import Plan, make_plan
from longshore.core.media import ImageFacts
from longshore.ports.rendering import RenderTimeout
from tests.corpus import photo_jpeg

DEADLINE, KILLS, ROUNDS, SECONDS = timedelta(seconds=0.2), 15, 4, 2.0
_FACTS = ImageFacts(format="JPEG", width=1632, height=1224, color_mode="RGB")


def _plan(path: str, output: OutputFormat) -> Plan:
    return make_plan(parse(path).operations, _FACTS, Choice(format=output, varies=False))


#: Some seconds of a core.
LONG = _plan("-/resize/5000x/", OutputFormat.AVIF)
SHORT = _plan("-/preview/400x300/", OutputFormat.JPEG)


class Jobs:
    """Renders one file into nameless ones."""

    def __init__(self, pool: VipsPool, folder: Path) -> None:
        self.pool = pool
        self.folder = folder
        self.source = folder / "photo.jpg"
        self.source.write_bytes(photo_jpeg(_FACTS.width, _FACTS.height, 1))
        self._number = 0

    async def render(self, plan: Plan, deadline: timedelta | None = None) -> None:
        self._number += 1
        with self.source.open("rb") as source, tempfile.TemporaryFile(dir=self.folder) as target:
            # a key each: a job that was stopped is refused after two times
            key = f"job {self._number}"
            await self.pool.render(plan, source.fileno(), target.fileno(), deadline=deadline, key=key)


async def _seconds_past_deadline(jobs: Jobs) -> float:
    """Between the deadline of a job and the end of its process."""
    pidfds = [os.pidfd_open(pid) for pid in jobs.pool.pids]
    dead: list[float] = []

    def watch() -> None:
        readable, _, _ = select.select(pidfds, [], [], 10)
        dead.extend([time.monotonic()] * bool(readable))

    watching = threading.Thread(target=watch)
    watching.start()
    began = time.monotonic()
    with contextlib.suppress(RenderTimeout):
        await jobs.render(LONG, DEADLINE)
    await asyncio.to_thread(watching.join)
    for pidfd in pidfds:
        os.close(pidfd)
    return dead[0] - began - DEADLINE.total_seconds()


async def _neighbours(jobs: Jobs, *, stopped: bool) -> list[float]:
    """Seconds of each light job beside one that is, or is not, stopped at its deadline."""

    async def beside() -> None:
        while True:
            with contextlib.suppress(RenderTimeout):
                await jobs.render(LONG, DEADLINE if stopped else None)

    task = asyncio.create_task(beside())
    await asyncio.sleep(0.05)
    times: list[float] = []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        began = time.monotonic()
        await jobs.render(SHORT)
        times.append(time.monotonic() - began)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return times


async def measure(folder: Path) -> bool:
    async with VipsPool(VipsSettings(workers=2)) as pool:
        jobs = Jobs(pool, folder)
        await jobs.render(SHORT)
        late = [await _seconds_past_deadline(jobs) for _ in range(KILLS)]
        beside = {False: list[float](), True: list[float]()}
        for turn in range(2 * ROUNDS):
            beside[turn % 2 == 1] += await _neighbours(jobs, stopped=turn % 2 == 1)
    print(
        f"worker past its deadline: dead after {statistics.median(late) * 1e3:.1f} ms, at most {max(late) * 1e3:.1f} ms"
        f" ({KILLS} times)   target 50 {'yes' if max(late) <= 0.05 else 'NO'}"
    )
    calm, moved = (statistics.quantiles(beside[stopped], n=20)[-1] * 1e3 for stopped in (False, True))
    fine = moved <= 1.1 * calm + 1
    print(
        f"p95 of neighbours: {calm:.1f} ms beside a worker left alone, {moved:.1f} ms beside one stopped every "
        f"{DEADLINE.total_seconds()} s   target equal within a tenth {'yes' if fine else 'NO'}"
    )
    return fine and max(late) <= 0.05


def main() -> bool:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # it says what it kills
    with tempfile.TemporaryDirectory(prefix="longshore-bench-") as folder:
        return asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
