"""Who may work now, who waits, and who is sent away: slots, queues bounded in length, turns between tenants.

Pure asyncio; knows neither processes nor pictures.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from datetime import timedelta
from enum import Enum

from longshore.ports.rendering import RenderQueueFull

_LONGEST_ADVICE = 30  # seconds of Retry-After


class Lane(Enum):
    """Classes of jobs, each with a queue. `IDLE` is for what nobody waits for: it begins when nobody else wants to."""

    LIGHT = "light"
    HEAVY = "heavy"
    IDLE = "idle"


class Line:
    """Waiting jobs of one class, served in turns by tenant."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._tenants: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self.waiting = 0

    def join(self, tenant: str, turn: asyncio.Future[None]) -> bool:
        """Queue up; False when there is no room. A full line makes room for a tenant that waits for less than the
        one with the most, whose newest job is then sent away (its future gets RenderQueueFull)."""
        if self.waiting >= self._length and not self._displace_for(tenant):
            return False
        self._tenants.setdefault(tenant, deque()).append(turn)
        self.waiting += 1
        return True

    def leave(self, tenant: str, turn: asyncio.Future[None]) -> None:
        """Give up waiting. Nothing happens when `turn` is not in the line any more."""
        line = self._tenants.get(tenant)
        if line is not None and turn in line:
            line.remove(turn)
            self._removed(tenant, line)

    def next(self) -> asyncio.Future[None] | None:
        """Take the oldest job of the tenant whose turn it is. Those that were cancelled in this moment are dropped."""
        while self._tenants:
            tenant, line = next(iter(self._tenants.items()))
            turn = line.popleft()
            self._tenants.move_to_end(tenant)
            self._removed(tenant, line)
            if not turn.done():
                return turn
        return None

    def _displace_for(self, tenant: str) -> bool:
        longest, line = max(self._tenants.items(), key=lambda item: len(item[1]))
        if len(line) <= len(self._tenants.get(tenant, ())) + 1:
            return False
        turn = line.pop()
        self._removed(longest, line)
        if not turn.done():
            turn.set_exception(RenderQueueFull(retry_after=timedelta(seconds=1)))
        return True

    def _removed(self, tenant: str, line: deque[asyncio.Future[None]]) -> None:
        self.waiting -= 1
        if not line:
            del self._tenants[tenant]


class Admission:
    """`slots` jobs at once. At most `heavy_slots` of them are heavy or idle ones, so that light ones always get
    through, and at most one is an idle one."""

    def __init__(self, *, slots: int, heavy_slots: int, light_queue: int, heavy_queue: int, idle_queue: int) -> None:
        self._slots = slots
        self._heavy_slots = heavy_slots
        self._lines = {Lane.LIGHT: Line(light_queue), Lane.HEAVY: Line(heavy_queue), Lane.IDLE: Line(idle_queue)}
        self._running = dict.fromkeys(Lane, 0)
        self._prefer_heavy = False
        self._empty = asyncio.Event()
        self._empty.set()
        self._mean = 0.1  # seconds of a job, a moving mean, for Retry-After

    @property
    def running(self) -> int:
        return sum(self._running.values())

    def waiting(self, lane: Lane) -> int:
        return self._lines[lane].waiting

    async def drained(self) -> None:
        """Return when nothing runs."""
        await self._empty.wait()

    def advice(self) -> timedelta:
        """When to try again: about when what waits now is done, in whole seconds, 1 to 30."""
        ahead = (self._lines[Lane.LIGHT].waiting + self._lines[Lane.HEAVY].waiting + 1) * self._mean / self._slots
        return timedelta(seconds=min(max(1, math.ceil(ahead)), _LONGEST_ADVICE))

    async def enter(self, lane: Lane, tenant: str) -> None:
        """Wait for a slot. Each return must be followed by `leave`. Raises RenderQueueFull at once."""
        if self._is_free(lane) and not self._lines[lane].waiting:
            self._running[lane] += 1
            self._empty.clear()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._lines[lane].join(tenant, turn):
            raise RenderQueueFull(retry_after=self.advice())
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._release(lane)  # the slot came in the same moment
            else:
                self._lines[lane].leave(tenant, turn)
            raise

    def leave(self, lane: Lane, *, seconds: float) -> None:
        """Give the slot back after a job of so many seconds."""
        self._mean += (seconds - self._mean) / 16
        self._release(lane)

    def _release(self, lane: Lane) -> None:
        self._running[lane] -= 1
        # Light and heavy take turns, so that neither starves.
        waited_for = (Lane.HEAVY, Lane.LIGHT) if self._prefer_heavy else (Lane.LIGHT, Lane.HEAVY)
        for following in (*waited_for, Lane.IDLE):
            if self._is_free(following) and (turn := self._lines[following].next()) is not None:
                self._prefer_heavy = following is Lane.LIGHT
                self._running[following] += 1
                turn.set_result(None)
                return
        if not self.running:
            self._empty.set()

    def _is_free(self, lane: Lane) -> bool:
        if self.running >= self._slots:
            return False
        if lane is Lane.LIGHT:
            return True
        if lane is Lane.IDLE and (self._running[Lane.IDLE] or self._lines[Lane.LIGHT].waiting):
            return False
        return self._running[Lane.HEAVY] + self._running[Lane.IDLE] < self._heavy_slots
