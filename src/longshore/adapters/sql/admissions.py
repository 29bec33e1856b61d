"""The batching writer: rows of many concurrent admissions in one transaction.

While one batch is on its way to the disk the next one gathers, so nobody waits for company: an idle system writes a
single admission at once, a busy one what came in meanwhile. A batch asks for the writer's turn at the queue's front,
and again only when it is done, so batches and single transactions take turns.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from longshore.adapters.sql import audit, repeats, uploads
from longshore.adapters.sql.statement import Row
from longshore.adapters.sql.turns import Turns
from longshore.core.errors import Problem
from longshore.ports.database import Admission, DatabaseBusy

T = TypeVar("T")


@dataclass(slots=True)
class Waiting:
    """The rows of one admission, in the order of their tables, and who waits for them."""

    uploads: Sequence[Row]
    audit: Sequence[Row]
    repeat: Row | None
    answer: asyncio.Future[None]

    @property
    def rows(self) -> int:
        return len(self.uploads) + len(self.audit) + 1


class Admissions(Generic[T]):
    """`insert` writes a batch on a connection, in one transaction, and answers an outcome each; it raises when none of
    them could be written. `batch_rows` bounds one transaction, `queue_rows` what may wait for one."""

    def __init__(
        self,
        turns: Turns[T],
        insert: Callable[[T, Sequence[Waiting]], Awaitable[Sequence[Exception | None]]],
        *,
        batch_rows: int,
        queue_rows: int,
    ) -> None:
        self._turns = turns
        self._insert = insert
        self._batch_rows = batch_rows
        self._queue_rows = queue_rows
        self._waiting: deque[Waiting] = deque()
        self._rows = 0
        self._writer: asyncio.Task[None] | None = None

    async def admit(self, admission: Admission) -> None:
        """See `ports.database.Database.admit`."""
        loop = asyncio.get_running_loop()
        waiting = Waiting(
            uploads=[uploads.upload_row(upload) for upload in admission.uploads],
            audit=[audit.audit_row(entry) for entry in admission.audit],
            repeat=None if admission.repeat is None else repeats.repeat_row(admission.repeat),
            answer=loop.create_future(),
        )
        if self._rows and self._rows + waiting.rows > self._queue_rows:
            raise DatabaseBusy("Too many admissions are waiting", retry_after=timedelta(seconds=1))
        self._waiting.append(waiting)
        self._rows += waiting.rows
        if self._writer is None:
            self._writer = loop.create_task(self._write(), name="admissions")
        await waiting.answer

    async def close(self) -> None:
        """When everything that was admitted is written."""
        if self._writer is not None:
            await self._writer

    async def _write(self) -> None:
        """Runs as long as somebody waits."""
        try:
            while self._waiting:
                await self._write_batch()
        finally:
            self._writer = None
            _refuse(self._take(self._rows), DatabaseBusy())  # only if this task was cancelled

    async def _write_batch(self) -> None:
        try:
            connection = await self._turns.take(first=True)
        except DatabaseBusy as busy:
            _refuse(self._take(self._rows), busy)
            return
        batch: list[Waiting] = []
        try:
            await asyncio.sleep(0)  # lets those join who came in this round of the event loop
            batch = self._take(self._batch_rows)
            if batch:
                outcomes = await self._insert(connection, batch)
                for waiting, outcome in zip(batch, outcomes, strict=True):
                    _settle(waiting, outcome)
        except Problem as problem:
            _refuse(batch, problem)
        except BaseException as error:
            _refuse(batch, error if isinstance(error, Exception) else DatabaseBusy())
            if not isinstance(error, Exception):
                raise
        finally:
            self._turns.give_back(connection)

    def _take(self, rows: int) -> list[Waiting]:
        """The first that fit into `rows`, at least one; without those that have gone away."""
        batch: list[Waiting] = []
        while self._waiting and (not batch or self._waiting[0].rows <= rows):
            waiting = self._waiting.popleft()
            self._rows -= waiting.rows
            if not waiting.answer.done():
                batch.append(waiting)
                rows -= waiting.rows
        return batch


def _settle(waiting: Waiting, outcome: Exception | None) -> None:
    if waiting.answer.done():
        return
    if outcome is None:
        waiting.answer.set_result(None)
    else:
        waiting.answer.set_exception(outcome)


def _refuse(batch: Sequence[Waiting], error: Exception) -> None:
    for waiting in batch:
        # One exception each: a traceback belongs to one task.
        if isinstance(error, Problem):
            own = type(error)(error.detail, retry_after=error.retry_after)
            own.__cause__ = error
            _settle(waiting, own)
        else:
            _settle(waiting, error)
