"""What only the adapters for one machine promise."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from longshore.adapters.local.limiter import LocalRateLimiter
from longshore.adapters.local.singleflight import LocalSingleFlight
from longshore.core.errors import Busy, Throttled

HOLD = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from longshore.adapters.local.singleflight import LocalSingleFlight

async def main():
    async with LocalSingleFlight(Path(sys.argv[1])).hold("key", within=timedelta(seconds=5)):
        print("inside", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_another_process_is_waited_for_and_its_death_lets_go(tmp_path: Path) -> None:
    flight = LocalSingleFlight(tmp_path)
    source = str(Path(__file__).parents[3] / "src")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, env={"PYTHONPATH": source}
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"inside\n"
        with pytest.raises(Busy):
            async with flight.hold("key", within=timedelta(milliseconds=100)):
                pytest.fail("two inside")
    finally:
        holder.kill()
        holder.communicate()
    async with flight.hold("key", within=timedelta(seconds=5)):
        pass


async def test_lock_files_do_not_pile_up(tmp_path: Path) -> None:
    flight = LocalSingleFlight(tmp_path)

    async def visit(n: int) -> None:
        async with flight.hold(f"key-{n % 10}", within=timedelta(seconds=20)):
            await asyncio.sleep(0)

    await asyncio.gather(*(visit(n) for n in range(100)))
    assert list(tmp_path.iterdir()) == []


async def test_invented_keys_cannot_fill_the_memory() -> None:
    now = 0.0
    limiter = LocalRateLimiter(monotonic=lambda: now, max_buckets=1000)
    for n in range(50_000):
        await limiter.take(f"key-{n}", limit=1, per=timedelta(hours=1))

    assert len(limiter._full_at) <= 1000
    with pytest.raises(Throttled):
        await limiter.take("key-49999", limit=1, per=timedelta(hours=1))


async def test_the_mean_rate_is_kept_over_a_long_time() -> None:
    now = 0.0
    limiter = LocalRateLimiter(monotonic=lambda: now)
    taken = 0
    for tick in range(10_000):
        now = tick / 10
        try:
            await limiter.take("key", limit=7, per=timedelta(seconds=10))
            taken += 1
        except Throttled:
            pass
    assert taken == 7 + 7 * 99 + 6  # full at the start, then seven in ten seconds
