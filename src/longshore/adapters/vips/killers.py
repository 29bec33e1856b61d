"""Work that ends workers is remembered, and refused for a while after it has done so more than once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from longshore.ports.rendering import RenderRefused

_REMEMBERED = 10_000


class Killers:
    """Strikes by key. `pause` in seconds; the oldest are forgotten beyond some thousands."""

    def __init__(self, *, strikes: int, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = strikes
        self._pause = pause
        self._clock = clock
        self._strikes: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises RenderRefused."""
        count, until = self._strikes.get(key, (0, 0.0))
        left = until - self._clock()
        if left <= 0:
            self._strikes.pop(key, None)
        elif count >= self._most:
            raise RenderRefused(retry_after=timedelta(seconds=left))

    def strike(self, key: str) -> None:
        """It has ended a worker."""
        count, until = self._strikes.pop(key, (0, 0.0))
        now = self._clock()
        self._strikes[key] = (count + 1 if until > now else 1, now + self._pause)
        if len(self._strikes) > _REMEMBERED:
            self._strikes.popitem(last=False)
