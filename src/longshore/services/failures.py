"""What cannot be made, remembered for a moment: the same bytes give the same error, and asking again is cheap then."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from longshore.core.errors import Problem, Unsupported
from longshore.core.ids import FileId
from longshore.core.imaging.grammar import BadOperation
from longshore.core.media import BrokenMedia, MediaTooLarge
from longshore.core.time import Clock
from longshore.ports.rendering import ResultTooLarge

#: Only what follows from bytes and plan. A stopped or dead worker may have had bad luck (the pool counts those), a full
#: queue, a full disk or a store that is away are nobody's mistake: they are never remembered.
DETERMINISTIC: tuple[type[Problem], ...] = (
    BadOperation,  # of what only pixels tell: too large after a trim
    BrokenMedia,
    MediaTooLarge,
    Unsupported,
    ResultTooLarge,
)

_REMEMBERED = timedelta(seconds=60)
_MOST = 10_000


class Failures:
    """By file and cache key; the oldest are forgotten when there are too many."""

    def __init__(self, clock: Clock, lifetime: timedelta = _REMEMBERED, bound: int = _MOST) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._bound = bound
        self._known: OrderedDict[tuple[FileId, str], tuple[datetime, Problem]] = OrderedDict()

    def check(self, file_id: FileId, key: str) -> None:
        """Raises the problem of a moment ago."""
        known = self._known.get((file_id, key))
        if known is None:
            return
        until, problem = known
        if until <= self._clock.now():
            del self._known[file_id, key]
            return
        raise _again(problem)

    def remember(self, file_id: FileId, key: str, problem: Problem) -> None:
        """`problem` is one of DETERMINISTIC."""
        self._known.pop((file_id, key), None)
        self._known[file_id, key] = (
            self._clock.now() + self._lifetime,
            _again(problem),
        )
        while len(self._known) > self._bound:
            self._known.popitem(last=False)

    def drop(self, file_id: FileId) -> None:
        for slot in [slot for slot in self._known if slot[0] == file_id]:
            del self._known[slot]


def _again(problem: Problem) -> Problem:
    """A new one: a raised one collects tracebacks."""
    again = type(problem)(problem.detail)
    again.fields = problem.fields
    return again
