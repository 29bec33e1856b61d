"""Turns, bounds and fairness, without any process."""

import asyncio

import pytest

from longshore.adapters.vips.admit import Admission, Lane
from longshore.adapters.vips.killers import Killers
from longshore.ports.rendering import RenderQueueFull, RenderRefused


def admission(slots: int = 1, heavy_slots: int = 1, light_queue: int = 10, heavy_queue: int = 10) -> Admission:
    return Admission(
        slots=slots, heavy_slots=heavy_slots, light_queue=light_queue, heavy_queue=heavy_queue, idle_queue=10
    )


async def queued(
    gate: Admission, order: list[str], name: str, tenant: str = "", lane: Lane = Lane.LIGHT
) -> "asyncio.Task[None]":
    async def job() -> None:
        await gate.enter(lane, tenant)
        order.append(name)
        gate.leave(lane, seconds=0.01)

    task = asyncio.ensure_future(job())
    await asyncio.sleep(0)
    return task


async def test_tenants_take_turns_however_much_one_asks() -> None:
    gate, order = admission(), list[str]()
    await gate.enter(Lane.LIGHT, "x")
    tasks = [await queued(gate, order, f"a{i}", "a") for i in range(4)]
    tasks += [await queued(gate, order, f"b{i}", "b") for i in range(2)]
    gate.leave(Lane.LIGHT, seconds=0.01)
    await asyncio.gather(*tasks)
    assert order == ["a0", "b0", "a1", "b1", "a2", "a3"]
    assert gate.running == 0
    await asyncio.wait_for(gate.drained(), 1)


async def test_a_full_line_makes_room_for_who_has_less() -> None:
    gate, order = admission(light_queue=3), list[str]()
    await gate.enter(Lane.LIGHT, "x")
    greedy = [await queued(gate, order, f"a{i}", "a") for i in range(3)]
    modest = await queued(gate, order, "b0", "b")
    with pytest.raises(RenderQueueFull):
        await greedy[2]
    with pytest.raises(RenderQueueFull):
        await gate.enter(Lane.LIGHT, "a")
    gate.leave(Lane.LIGHT, seconds=0.01)
    await asyncio.gather(modest, *greedy[:2])
    assert order == ["a0", "b0", "a1"]


async def test_heavy_and_light_take_turns_and_heavy_is_bounded() -> None:
    gate, order = admission(slots=2, heavy_slots=1), list[str]()
    await gate.enter(Lane.HEAVY, "")
    await gate.enter(Lane.LIGHT, "")
    heavy = [await queued(gate, order, f"h{i}", lane=Lane.HEAVY) for i in range(2)]
    light = [await queued(gate, order, f"l{i}") for i in range(2)]
    gate.leave(Lane.LIGHT, seconds=0.01)
    await asyncio.gather(*light)
    assert order == ["l0", "l1"]  # the one heavy slot is taken
    gate.leave(Lane.HEAVY, seconds=0.01)
    await asyncio.gather(*heavy)
    assert order[2:] == ["h0", "h1"]


async def test_what_nobody_waits_for_stands_behind_everything() -> None:
    gate, order = admission(slots=2, heavy_slots=1), list[str]()
    for _ in range(2):
        await gate.enter(Lane.LIGHT, "")
    idle = [await queued(gate, order, f"i{i}", lane=Lane.IDLE) for i in range(2)]
    light = [await queued(gate, order, f"l{i}") for i in range(2)]
    heavy = await queued(gate, order, "h0", lane=Lane.HEAVY)
    gate.leave(Lane.LIGHT, seconds=0.01)
    gate.leave(Lane.LIGHT, seconds=0.01)
    await asyncio.gather(*idle, *light, heavy)
    assert sorted(order[:3]) == ["h0", "l0", "l1"]
    assert order[3:] == ["i0", "i1"]


async def test_one_idle_job_at_a_time() -> None:
    gate = admission(slots=4, heavy_slots=3)
    await gate.enter(Lane.IDLE, "")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(gate.enter(Lane.IDLE, ""), 0.01)
    await gate.enter(Lane.HEAVY, "")


async def test_whoever_gives_up_leaves_no_hole() -> None:
    gate, order = admission(), list[str]()
    await gate.enter(Lane.LIGHT, "")
    tasks = [await queued(gate, order, str(i)) for i in range(4)]
    tasks[0].cancel()
    gate.leave(Lane.LIGHT, seconds=0.01)  # the first in line has been cancelled, but does not know yet
    tasks[1].cancel()  # the second has been given the slot, but does not know yet
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["2", "3"]
    assert (gate.running, gate.waiting(Lane.LIGHT)) == (0, 0)


def test_killers_are_forgotten_in_time_and_in_number() -> None:
    now = [0.0]
    killers = Killers(strikes=2, pause=10, clock=lambda: now[0])
    killers.strike("a")
    killers.check("a")
    killers.strike("a")
    with pytest.raises(RenderRefused) as refused:
        killers.check("a")
    assert refused.value.retry_after is not None
    assert refused.value.retry_after.total_seconds() == 10
    killers.check("b")
    now[0] = 11
    killers.check("a")
    for number in range(10_100):
        killers.strike(str(number))
    assert len(killers._strikes) == 10_000
