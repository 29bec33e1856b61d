"""What others notice when a worker is stopped at its deadline: nothing.

`benchmarks/engine/deadline.py` has the figures; the bounds here leave room for a busy machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from datetime import timedelta

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.ports.rendering import RenderTimeout
from tests.integration.vips.conftest import QUICK, SLOW, Files, is_running


async def test_neighbours_of_a_stopped_worker_go_on(files: Files) -> None:
    source, beside_source = files.source(), files.source()
    async with VipsPool(VipsSettings(workers=2)) as pool:

        async def jobs(seconds: float) -> list[float]:
            times: list[float] = []
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                began = time.monotonic()
                await pool.render(QUICK, source, files.target())
                times.append(time.monotonic() - began)
            return times

        async def beside(deadline: timedelta | None) -> None:
            number = 0
            while True:
                number += 1
                with contextlib.suppress(RenderTimeout):
                    key = f"{deadline} {number}"
                    await pool.render(SLOW, beside_source, files.target(), deadline=deadline, key=key)

        medians: list[float] = []
        for deadline in (None, timedelta(seconds=0.1)):
            task = asyncio.create_task(beside(deadline))
            await asyncio.sleep(0.02)
            medians.append(statistics.median(await jobs(1.0)))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        assert pool.stats().timeouts >= 3
        assert medians[1] < 2 * medians[0] + 0.02


async def test_a_worker_past_its_deadline_is_dead_at_once(files: Files) -> None:
    late: list[float] = []
    async with VipsPool(VipsSettings(workers=1)) as pool:
        for number in range(3):
            (pid,) = pool.pids
            began = time.monotonic()
            with contextlib.suppress(RenderTimeout):
                await pool.render(
                    SLOW, files.source(), files.target(), deadline=timedelta(seconds=0.1), key=str(number)
                )
            while is_running(pid):
                time.sleep(0.001)
            late.append(time.monotonic() - began - 0.1)
            await pool.render(QUICK, files.source(), files.target())  # waits for the replacement
    assert min(late) < 0.05
