"""Whose turn it is on a connection: a fair queue, bounded in length and in time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Generic, TypeVar

from longshore.ports.database import DatabaseBusy

T = TypeVar("T")


class Turns(Generic[T]):
    """Hands out `things`, each to one owner at a time: first come first served, but for `first=True`, which goes next.

    Raises DatabaseBusy at once when `length` are waiting, and when the turn has not come within `patience`.
    """

    def __init__(self, things: Iterable[T], *, length: int, patience: timedelta) -> None:
        self._free = deque(things)
        self._length = length
        self._patience = patience
        self._waiting: deque[asyncio.Future[T]] = deque()

    async def take(self, *, first: bool = False) -> T:
        if self._free:
            return self._free.pop()  # the one used last: its caches are warm
        if len(self._waiting) >= self._length and not first:
            raise self._busy()
        place: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(place)
        else:
            self._waiting.append(place)
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await place
        except TimeoutError as e:
            if not self._leave(place):
                return place.result()  # the turn came at the very moment of giving up
            raise self._busy() from e
        except BaseException:
            if not self._leave(place):
                self.give_back(place.result())
            raise

    def give_back(self, thing: T, *, cold: bool = False) -> None:
        """What is `cold` is handed out after all others."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(thing)
                return
        if cold:
            self._free.appendleft(thing)
        else:
            self._free.append(thing)

    def _leave(self, place: asyncio.Future[T]) -> bool:
        """False when the turn has come and is ours to use or give back."""
        if place.done() and not place.cancelled():
            return False
        if place in self._waiting:
            self._waiting.remove(place)
        return True

    def _busy(self) -> DatabaseBusy:
        return DatabaseBusy("Too many are waiting for the database", retry_after=timedelta(seconds=1))
