"""Rate limits that one process keeps in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from longshore.core.errors import Throttled

_SWEEP_EVERY = 10_000


class LocalRateLimiter:
    """`ports.coordination.RateLimiter`: a token bucket that holds `limit` and refills evenly over `per`.

    One number per bucket: the moment at which it is full again (the "generic cell rate algorithm"). Full buckets are
    forgotten; past `max_buckets` the oldest ones are, so that invented keys cannot fill the memory.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic, max_buckets: int = 200_000) -> None:
        self._monotonic = monotonic
        self._max_buckets = max_buckets
        self._full_at: dict[str, float] = {}
        self._until_sweep = _SWEEP_EVERY

    async def take(self, bucket: str, *, limit: int, per: timedelta) -> None:
        now = self._monotonic()
        period = per.total_seconds()
        if limit <= 0:
            raise Throttled(retry_after=per, limit=limit)
        full_at = max(self._full_at.get(bucket, now), now) + period / limit
        # a hair of tolerance: sums of floats
        if full_at - now > period * (1 + 1e-9):
            raise Throttled(retry_after=timedelta(seconds=full_at - now - period), limit=limit)
        self._full_at[bucket] = full_at
        self._until_sweep -= 1
        if self._until_sweep <= 0 or len(self._full_at) > self._max_buckets:
            self._sweep(now)

    def _sweep(self, now: float) -> None:
        self._full_at = {bucket: full_at for bucket, full_at in self._full_at.items() if full_at > now}
        excess = len(self._full_at) - self._max_buckets
        if excess > 0:
            excess += self._max_buckets // 10  # so that this does not happen again with the next key
            self._full_at = dict(list(self._full_at.items())[excess:])
        self._until_sweep = _SWEEP_EVERY
