"""Who may work now, who waits, and who is sent away: slots, two queues bounded in length, turns between tenants.

Pure asyncio; knows neither processes nor pictures.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from datetime import timedelta

from longshore.ports.rendering import RenderQueueFull

_LONGEST_ADVICE = 30  # seconds of Retry-After


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
    """`slots` jobs at once, of which at most `heavy_slots` are heavy, so that light ones always get through."""

    def __init__(self, *, slots: int, heavy_slots: int, light_queue: int, heavy_queue: int) -> None:
        self._slots = slots
        self._heavy_slots = heavy_slots
        self._lines = {False: Line(light_queue), True: Line(heavy_queue)}
        self._running = {False: 0, True: 0}
        self._prefer_heavy = False
        self._empty = asyncio.Event()
        self._empty.set()
        self._mean = 0.1  # seconds of a job, a moving mean, for Retry-After

    @property
    def running(self) -> int:
        return self._running[False] + self._running[True]

    def waiting(self, *, heavy: bool) -> int:
        return self._lines[heavy].waiting

    async def drained(self) -> None:
        """Return when nothing runs."""
        await self._empty.wait()

    def advice(self) -> timedelta:
        """When to try again: about when what waits now is done, in whole seconds, 1 to 30."""
        ahead = (self._lines[False].waiting + self._lines[True].waiting + 1) * self._mean / self._slots
        return timedelta(seconds=min(max(1, math.ceil(ahead)), _LONGEST_ADVICE))

    async def enter(self, *, heavy: bool, tenant: str) -> None:
        """Wait for a slot. Each return must be followed by `leave`. Raises RenderQueueFull at once."""
        if self._is_free(heavy=heavy) and not self._lines[heavy].waiting:
            self._running[heavy] += 1
            self._empty.clear()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._lines[heavy].join(tenant, turn):
            raise RenderQueueFull(retry_after=self.advice())
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._release(heavy=heavy)  # the slot came in the same moment
            else:
                self._lines[heavy].leave(tenant, turn)
            raise

    def leave(self, *, heavy: bool, seconds: float) -> None:
        """Give the slot back after a job of so many seconds."""
        self._mean += (seconds - self._mean) / 16
        self._release(heavy=heavy)

    def _release(self, *, heavy: bool) -> None:
        self._running[heavy] -= 1
        # The classes take turns, so that neither starves.
        for next_heavy in (self._prefer_heavy, not self._prefer_heavy):
            if self._is_free(heavy=next_heavy) and (turn := self._lines[next_heavy].next()) is not None:
                self._prefer_heavy = not next_heavy
                self._running[next_heavy] += 1
                turn.set_result(None)
                return
        if not self.running:
            self._empty.set()

    def _is_free(self, *, heavy: bool) -> bool:
        return self.running < self._slots and (not heavy or self._running[True] < self._heavy_slots)
