"""How parts of one installation find each other: wake-ups, progress, single computation, rate limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from longshore.core.ids import FileId
from longshore.core.job import Queue


class WakeUp(Protocol):
    """Tells workers that there is something to do. May be lost; workers also look by themselves."""

    def ring(self, queue: Queue) -> None: ...

    async def wait(self, within: timedelta) -> None:
        """Returns when somebody rang since the last wait, or after `within`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is heard of a file in processing. `percent` 0-100 within `step`; a change of state has `percent` None."""

    file_id: FileId
    step: str
    percent: int | None = None


class ProgressChannel(Protocol):
    """Percentages and "look again" notices. Nothing here is durable: rows are."""

    def publish(self, progress: Progress) -> None: ...

    def subscribe(self, file_id: FileId) -> AbstractAsyncContextManager[AsyncIterator[Progress]]:
        """What is published about the file while inside. A slow listener loses old percentages, never the newest."""
        ...


class SingleFlight(Protocol):
    """One computation per key, in this process and between processes."""

    def hold(self, key: str, *, within: timedelta) -> AbstractAsyncContextManager[None]:
        """Inside, nobody else holds `key`. Raises Busy when it could not be had `within` that time."""
        ...


class RateLimiter(Protocol):
    async def take(self, bucket: str, *, limit: int, per: timedelta) -> None:
        """Count one against `bucket`. Raises Throttled with `retry_after` when `limit` in `per` is used up."""
        ...
