"""Wake-ups, progress, single computation and rate limits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from longshore.core.errors import Busy, Throttled
from longshore.core.ids import FileId
from longshore.core.job import Queue
from longshore.ports.coordination import Progress, SingleFlight
from tests.contract.coordination.conftest import Coordination

SOON, LONG = timedelta(milliseconds=50), timedelta(seconds=20)


async def elapsed(wait: asyncio.Task[None]) -> float:
    start = asyncio.get_running_loop().time()
    await wait
    return asyncio.get_running_loop().time() - start


async def test_a_ring_wakes_who_waits(coordination: Coordination) -> None:
    waiting = asyncio.create_task(coordination.wake_up.wait(LONG))
    await asyncio.sleep(0.01)
    coordination.wake_up.ring(Queue.INSPECT)

    assert await elapsed(waiting) < 5


async def test_a_ring_before_the_wait_is_not_lost_and_counts_once(coordination: Coordination) -> None:
    coordination.wake_up.ring(Queue.RENDER)
    coordination.wake_up.ring(Queue.NOTIFY)

    assert await elapsed(asyncio.create_task(coordination.wake_up.wait(LONG))) < 5
    assert await elapsed(asyncio.create_task(coordination.wake_up.wait(SOON))) >= 0.04


async def test_a_ring_wakes_all_who_wait(coordination: Coordination) -> None:
    waiting = [asyncio.create_task(coordination.wake_up.wait(LONG)) for _ in range(3)]
    await asyncio.sleep(0.01)
    coordination.wake_up.ring(Queue.INSPECT)

    await asyncio.wait_for(asyncio.gather(*waiting), 5)


async def test_progress_reaches_all_listeners_of_that_file(coordination: Coordination) -> None:
    file, other = FileId(uuid4()), FileId(uuid4())
    async with coordination.progress.subscribe(file) as one, coordination.progress.subscribe(file) as two:
        coordination.progress.publish(Progress(file_id=other, step="scan", percent=1))
        coordination.progress.publish(Progress(file_id=file, step="scan", percent=2))

        for listener in (one, two):
            assert await anext(listener) == Progress(file_id=file, step="scan", percent=2)


async def test_a_slow_listener_loses_old_percentages_but_no_step(coordination: Coordination) -> None:
    file = FileId(uuid4())
    async with coordination.progress.subscribe(file) as listener:
        for step in ("digest", "scan"):
            for percent in range(101):
                coordination.progress.publish(Progress(file_id=file, step=step, percent=percent))
        coordination.progress.publish(Progress(file_id=file, step="ready"))

        heard = [await anext(listener) for _ in range(3)]
    assert [(progress.step, progress.percent) for progress in heard] == [
        ("digest", 100),
        ("scan", 100),
        ("ready", None),
    ]


async def test_a_listener_who_sleeps_hears_the_newest(coordination: Coordination) -> None:
    file = FileId(uuid4())
    async with coordination.progress.subscribe(file) as listener:
        for n in range(100_000):
            coordination.progress.publish(Progress(file_id=file, step=f"step-{n}"))

        while (await anext(listener)).step != "step-99999":
            pass


async def test_publishing_to_nobody_is_fine(coordination: Coordination) -> None:
    file = FileId(uuid4())
    async with coordination.progress.subscribe(file):
        pass
    coordination.progress.publish(Progress(file_id=file, step="ready"))


class Room:
    """Says how many were inside at once."""

    def __init__(self) -> None:
        self.inside = self.most = self.visits = 0

    async def visit(self, flight: SingleFlight, key: str) -> None:
        async with flight.hold(key, within=LONG):
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                await asyncio.sleep(0.002)
            finally:
                self.inside -= 1
            self.visits += 1


@pytest.mark.parametrize("members", [1, 5])
async def test_one_holds_a_key_at_a_time(coordination: Coordination, members: int) -> None:
    flights = [coordination.single_flight() for _ in range(members)]
    room = Room()

    await asyncio.gather(*(room.visit(flights[n % members], "key") for n in range(30)))

    assert (room.most, room.visits) == (1, 30)


async def test_different_keys_do_not_wait_for_each_other(coordination: Coordination) -> None:
    flight = coordination.single_flight()
    async with flight.hold("a", within=SOON), flight.hold("b", within=SOON), flight.hold("../" * 100, within=SOON):
        pass


@pytest.mark.parametrize("same", [True, False])
async def test_waiting_is_bounded(coordination: Coordination, same: bool) -> None:
    flight = coordination.single_flight()
    other = flight if same else coordination.single_flight()
    async with flight.hold("key", within=SOON):
        with pytest.raises(Busy) as caught:
            async with other.hold("key", within=SOON):
                pytest.fail("two inside")
        assert caught.value.retry_after
    async with other.hold("key", within=SOON):
        pass


async def test_a_timeout_inside_is_the_callers_own(coordination: Coordination) -> None:
    flight = coordination.single_flight()
    with pytest.raises(TimeoutError):
        async with flight.hold("key", within=LONG):
            raise TimeoutError
    async with flight.hold("key", within=SOON):
        pass


async def test_who_is_cancelled_lets_go(coordination: Coordination) -> None:
    """While inside, and while waiting in the process or for another one."""
    one, two = coordination.single_flight(), coordination.single_flight()
    room = Room()
    for step in range(40):
        visits = [asyncio.create_task(room.visit(flight, "key")) for flight in (one, one, two, two)]
        await asyncio.sleep(step / 10_000)
        visits[step % 4].cancel()
        await asyncio.wait(visits)

    async with two.hold("key", within=SOON):
        pass
    assert room.most == 1


async def test_a_limit_is_a_limit_and_says_when_to_come_back(coordination: Coordination) -> None:
    per = timedelta(seconds=100)
    for _ in range(5):
        await coordination.limiter.take("key", limit=5, per=per)

    with pytest.raises(Throttled) as caught:
        await coordination.limiter.take("key", limit=5, per=per)

    assert caught.value.retry_after
    assert 15 < caught.value.retry_after.total_seconds() <= 20
    await coordination.limiter.take("other", limit=5, per=per)


async def test_a_limit_refills(coordination: Coordination) -> None:
    per = timedelta(milliseconds=200)
    for _ in range(4):
        await coordination.limiter.take("key", limit=4, per=per)
    with pytest.raises(Throttled) as caught:
        await coordination.limiter.take("key", limit=4, per=per)

    assert caught.value.retry_after
    await asyncio.sleep(caught.value.retry_after.total_seconds() + 0.01)
    await coordination.limiter.take("key", limit=4, per=per)


async def test_a_limit_of_nothing_lets_nobody_in(coordination: Coordination) -> None:
    with pytest.raises(Throttled):
        await coordination.limiter.take("key", limit=0, per=LONG)
