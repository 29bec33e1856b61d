"""Transactions on a SQLite connection: the session, and the context managers that begin and end one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from longshore.adapters.sql.connection import ConnectionThread, is_fatal
from longshore.adapters.sql.statement import CLOCK, Dialect, Row, Statement, Values
from longshore.adapters.sql.transaction import SqlTransaction
from longshore.adapters.sql.turns import Turns
from longshore.core.ids import Ids
from longshore.core.time import Clock, to_micros
from longshore.ports.database import DatabaseBusy

T = TypeVar("T")
WRITING = "BEGIN IMMEDIATE"
"""Takes the write lock at once: whoever reads first and writes later would be refused at the write."""
READING = "BEGIN"


def roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")


def commit(db: sqlite3.Connection) -> None:
    try:
        db.execute("COMMIT")
    except BaseException:
        roll_back(db)
        raise


class SqliteSession:
    """`statement.Session` on one connection. BEGIN travels with the first statement, to save a way there and back."""

    __slots__ = ("_begin", "_clock", "_open", "_thread", "begun", "failed")

    def __init__(self, thread: ConnectionThread, clock: Clock, begin: str) -> None:
        self._thread = thread
        self._clock = clock
        self._begin = begin
        self._open = True
        self.begun = False
        self.failed = False

    async def rows(self, statement: Statement, values: Values | None = None) -> Sequence[Row]:
        sql, bound = self._bind(statement, values)
        return await self._do(lambda db: db.execute(sql, bound).fetchall())

    async def run(self, statement: Statement, values: Values | None = None) -> int:
        sql, bound = self._bind(statement, values)
        return await self._do(lambda db: db.execute(sql, bound).rowcount)

    async def run_many(self, statement: Statement, values: Sequence[Values]) -> None:
        sql = statement.compiled(Dialect.SQLITE).sql
        bound = [self._bind(statement, one)[1] for one in values]
        await self._do(lambda db: db.executemany(sql, bound))

    def end(self) -> None:
        """From now on nothing can be asked of it."""
        self._open = False

    def _bind(self, statement: Statement, values: Values | None) -> tuple[str, Values]:
        compiled = statement.compiled(Dialect.SQLITE)
        bound: Values = values or {}
        if compiled.constants:
            bound = {**compiled.constants, **bound}
        if compiled.uses_clock:
            bound = {**bound, CLOCK: to_micros(self._clock.now())}
        return compiled.sql, bound

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if not self._open:
            raise RuntimeError("this transaction has ended")
        if self.failed:
            raise DatabaseBusy("An earlier statement of this transaction failed")
        begin, self.begun = None if self.begun else self._begin, True

        def with_begin(db: sqlite3.Connection) -> T:
            if begin is not None:
                roll_back(db)
                db.execute(begin)
            elif not db.in_transaction:
                raise DatabaseBusy("The transaction was given up by the database")
            return work(db)

        try:
            return await self._thread.call(with_begin)
        except BaseException as e:
            # Cancelled, nobody knows whether the statement was done; failed, SQLite may have rolled all of it back.
            if is_fatal(e) or isinstance(e, asyncio.CancelledError):
                self.failed = True
            raise


class Writing:
    """`async with`: the writer's turn, and a transaction in it."""

    __slots__ = ("_clock", "_ids", "_session", "_thread", "_turns")

    def __init__(self, turns: Turns[ConnectionThread], clock: Clock, ids: Ids) -> None:
        self._turns = turns
        self._clock = clock
        self._ids = ids

    async def __aenter__(self) -> SqlTransaction:
        self._thread = await self._turns.take()
        self._session = SqliteSession(self._thread, self._clock, WRITING)
        return SqlTransaction(self._session, self._ids)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session = self._session
        session.end()
        if not session.begun:
            self._turns.give_back(self._thread)
        elif error is not None:
            self._abandon()
        elif session.failed:
            self._abandon()
            raise DatabaseBusy("A statement of this transaction failed, nothing was changed")
        else:
            try:
                await self._thread.call(commit)
            except BaseException:
                self._abandon()  # when cancelled: a commit that has begun is finished, another never begins
                raise
            self._turns.give_back(self._thread)

    def _abandon(self) -> None:
        """Roll back without waiting, so that nobody can be cancelled in between. What the next owner asks for comes
        after it on the thread."""
        self._thread.post(roll_back)
        self._turns.give_back(self._thread)


class Reading:
    """`async with`: a reader's turn, and a snapshot on it."""

    __slots__ = ("_clock", "_ids", "_session", "_thread", "_turns")

    def __init__(self, turns: Turns[ConnectionThread], clock: Clock, ids: Ids) -> None:
        self._turns = turns
        self._clock = clock
        self._ids = ids

    async def __aenter__(self) -> SqlTransaction:
        self._thread = await self._turns.take()
        self._session = SqliteSession(self._thread, self._clock, READING)
        return SqlTransaction(self._session, self._ids)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.end()
        if self._session.begun:
            self._thread.post(roll_back)
        self._turns.give_back(self._thread)
