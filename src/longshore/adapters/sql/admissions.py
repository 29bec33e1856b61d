"""The batching writer: rows of many concurrent admissions in one transaction.

While one batch is on its way to the disk the next one gathers, so nobody waits for company: an idle system writes a
single admission at once, a busy one what came in meanwhile. A batch asks for the writer's turn at the queue's front,
and again only when it is done, so batches and single transactions take turns.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial

from sqlalchemy import Table, insert
from sqlalchemy.dialects import sqlite

from longshore.adapters.sql import audit, repeats, uploads
from longshore.adapters.sql.connection import ConnectionThread, translated
from longshore.adapters.sql.session import WRITING, commit, roll_back
from longshore.adapters.sql.statement import Row
from longshore.adapters.sql.tables import audit as audit_table
from longshore.adapters.sql.tables import repeats as repeats_table
from longshore.adapters.sql.tables import uploads as uploads_table
from longshore.adapters.sql.turns import Turns
from longshore.core.errors import Problem
from longshore.ports.database import Admission, DatabaseBusy, RepeatTaken

CHUNK = 64
"""Rows per INSERT. A statement of many rows gives up the GIL once, not once a row, and so does not have to wait for the
event loop after every row; more rows than this gain nothing."""


@dataclass(slots=True)
class _Waiting:
    uploads: Sequence[Row]
    audit: Sequence[Row]
    repeat: Row | None
    answer: asyncio.Future[None]

    @property
    def rows(self) -> int:
        return len(self.uploads) + len(self.audit) + 1


class Admissions:
    """`batch_rows` bounds one transaction, `queue_rows` what may wait for one."""

    def __init__(self, turns: Turns[ConnectionThread], *, batch_rows: int, queue_rows: int) -> None:
        self._turns = turns
        self._batch_rows = batch_rows
        self._queue_rows = queue_rows
        self._waiting: deque[_Waiting] = deque()
        self._rows = 0
        self._writer: asyncio.Task[None] | None = None

    async def admit(self, admission: Admission) -> None:
        """See `ports.database.Database.admit`."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(
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
            thread = await self._turns.take(first=True)
        except DatabaseBusy as busy:
            _refuse(self._take(self._rows), busy)
            return
        batch: list[_Waiting] = []
        try:
            await asyncio.sleep(0)  # lets those join who came in this round of the event loop
            batch = self._take(self._batch_rows)
            if batch:
                outcomes = await thread.call(partial(_insert_all, batch))
                for waiting, outcome in zip(batch, outcomes, strict=True):
                    _settle(waiting, outcome)
        except Problem as problem:
            _refuse(batch, problem)
        except BaseException as error:
            _refuse(batch, error if isinstance(error, Exception) else DatabaseBusy())
            if not isinstance(error, Exception):
                raise
        finally:
            self._turns.give_back(thread)

    def _take(self, rows: int) -> list[_Waiting]:
        """The first that fit into `rows`, at least one; without those that have gone away."""
        batch: list[_Waiting] = []
        while self._waiting and (not batch or self._waiting[0].rows <= rows):
            waiting = self._waiting.popleft()
            self._rows -= waiting.rows
            if not waiting.answer.done():
                batch.append(waiting)
                rows -= waiting.rows
        return batch


def _settle(waiting: _Waiting, outcome: Exception | None) -> None:
    if waiting.answer.done():
        return
    if outcome is None:
        waiting.answer.set_result(None)
    else:
        waiting.answer.set_exception(outcome)


def _refuse(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        # One exception each: a traceback belongs to one task.
        if isinstance(error, Problem):
            own = type(error)(error.detail, retry_after=error.retry_after)
            own.__cause__ = error
            _settle(waiting, own)
        else:
            _settle(waiting, error)


# --------------------------------------------------------------------------------------------- on the writer's thread


def _insert_all(batch: Sequence[_Waiting], db: sqlite3.Connection) -> list[Exception | None]:
    """One transaction, an outcome each. Raises when none of them could be written."""
    roll_back(db)
    db.execute(WRITING)
    try:
        outcomes = [_claim_repeat(db, waiting) for waiting in batch]
        good = [waiting for waiting, outcome in zip(batch, outcomes, strict=True) if outcome is None]
        try:
            _insert(db, uploads_table, uploads.COLUMNS, [row for waiting in good for row in waiting.uploads])
            _insert(db, audit_table, audit.COLUMNS, [row for waiting in good for row in waiting.audit])
        except _ROW_ERRORS:
            db.execute("ROLLBACK")
            db.execute(WRITING)
            outcomes = [_insert_alone(db, waiting) for waiting in batch]
    except BaseException:
        roll_back(db)
        raise
    commit(db)
    return outcomes


#: What is wrong with a row, not with the database: a constraint, a text or number that cannot be stored.
_ROW_ERRORS = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError, ValueError, OverflowError)


def _insert_alone(db: sqlite3.Connection, waiting: _Waiting) -> Exception | None:
    """All rows of one admission or none, in the batch's transaction."""
    db.execute("SAVEPOINT alone")
    try:
        outcome = _claim_repeat(db, waiting)
        if outcome is None:
            _insert(db, uploads_table, uploads.COLUMNS, waiting.uploads)
            _insert(db, audit_table, audit.COLUMNS, waiting.audit)
    except _ROW_ERRORS as e:
        db.execute("ROLLBACK TO alone")
        outcome = translated(e) if isinstance(e, sqlite3.Error) else e
    db.execute("RELEASE alone")
    return outcome


def _claim_repeat(db: sqlite3.Connection, waiting: _Waiting) -> Exception | None:
    if waiting.repeat is None:
        return None
    try:
        claimed = db.execute(_insert_sql(repeats_table, repeats.COLUMNS, 1) + " ON CONFLICT DO NOTHING", waiting.repeat)
    except (ValueError, OverflowError) as e:
        return e
    return None if claimed.rowcount == 1 else RepeatTaken(retry_after=timedelta(0))


def _insert(db: sqlite3.Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    start, size = 0, CHUNK
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2  # powers of two, so that a few prepared statements serve every length
        db.execute(_insert_sql(table, columns, size), [value for row in rows[start : start + size] for value in row])
        start += size


@cache
def _insert_sql(table: Table, columns: tuple[str, ...], rows: int) -> str:
    one = str(insert(table).compile(dialect=sqlite.dialect(paramstyle="qmark"), column_keys=list(columns)))
    head, _, values = one.partition(" VALUES ")
    return f"{head} VALUES {', '.join([values] * rows)}"
