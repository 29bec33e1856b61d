"""When to try again, and how long to wait before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from longshore_client.errors import LongshoreError, ProblemError, TransportError

T = TypeVar("T")

_PASSING = frozenset({408, 425, 429})
_LASTING = frozenset({501, 505})
_NOT_BEGUN = frozenset({429, 503})


class NotConnected(TransportError):
    """Not even a connection: whatever was asked has certainly not been done."""


class Untrusted(TransportError):
    """The other side's certificate does not hold. Trying again cannot help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """`attempts` in all. Waits double from `first` to `longest` seconds, each cut by up to a half at random, so that
    clients that failed together do not come back together. A `Retry-After` is honoured up to `patience` seconds; who
    asks for more is not waited for."""

    attempts: int = 6
    first: float = 0.25
    longest: float = 20.0
    patience: float = 120.0

    def wait_before(self, attempt: int, error: LongshoreError, *, repeatable: bool = True) -> float | None:
        """Seconds to wait before `attempt` (the first retry is 2), None when `error` is to be raised instead.

        What is not `repeatable` is tried again only where it certainly was not done the first time.
        """
        if attempt > self.attempts:
            return None
        asked = 0.0
        match error:
            case Untrusted():
                return None
            case TransportError():
                if not repeatable and not isinstance(error, NotConnected):
                    return None
            case ProblemError():
                if not _is_passing(error.status, repeatable):
                    return None
                asked = error.retry_after or 0.0
                if asked > self.patience:
                    return None
            case _:
                return None
        pause = min(self.longest, self.first * 2 ** (attempt - 2))
        return max(asked, pause * random.uniform(0.5, 1.0))  # noqa: S311 -- spreads load, guards nothing

    async def run(self, act: Callable[[], Awaitable[T]], *, repeatable: bool = True) -> T:
        """What `act` answers, at the first time it does. Raises its last error."""
        attempt = 1
        while True:
            try:
                return await act()
            except LongshoreError as error:
                attempt += 1
                pause = self.wait_before(attempt, error, repeatable=repeatable)
                if pause is None:
                    raise
            await asyncio.sleep(pause)


def _is_passing(status: int | None, repeatable: bool) -> bool:
    if status is None:
        return False
    if not repeatable:
        return status in _NOT_BEGUN
    return status in _PASSING or (status >= 500 and status not in _LASTING)
