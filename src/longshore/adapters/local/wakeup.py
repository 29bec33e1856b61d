"""Wake-up of the workers that live in this event loop."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

from longshore.core.job import Queue


class LocalWakeUp:
    """`ports.coordination.WakeUp`. To be used from one event loop. A ring wakes all who wait, whatever the queue: the
    claiming statement decides who gets something."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self, queue: Queue) -> None:
        self._rung.set()

    async def wait(self, within: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await self._rung.wait()
        self._rung.clear()
