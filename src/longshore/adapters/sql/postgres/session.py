"""Transactions on a PostgreSQL connection: the session, and the context managers that begin and end one."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

import psycopg
from psycopg import AsyncCursor

from longshore.adapters.sql.postgres.link import Background, Link
from longshore.adapters.sql.statement import Compiled, Dialect, Row, Statement, Values
from longshore.adapters.sql.transaction import SqlTransaction
from longshore.adapters.sql.turns import Turns
from longshore.core.errors import Problem
from longshore.core.ids import Ids
from longshore.ports.database import DatabaseBusy

WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
"""Every change is compare-and-set, so a statement wants to see what others have committed until then."""
READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresSession:
    """`statement.Session` on one connection. The transaction begins with the first statement."""

    __slots__ = ("_begin", "_cursor", "_link", "_open", "begun", "failed")

    def __init__(self, link: Link, begin: str) -> None:
        self._link = link
        self._begin = begin
        self._open = True
        self._cursor: AsyncCursor[Row] | None = None
        self.begun = False
        self.failed = False

    async def rows(self, statement: Statement, values: Values | None = None) -> Sequence[Row]:
        compiled = statement.compiled(Dialect.POSTGRESQL)
        cursor = await self._ready()
        try:
            with self._link.speaking():
                await cursor.execute(compiled.sql, _bound(compiled, values), prepare=True)  # pyright: ignore[reportArgumentType] -- compiled, not literal
                return await cursor.fetchall()
        except BaseException:
            # The server takes nothing more but a ROLLBACK; and cancelled, nobody knows what it has done.
            self.failed = True
            raise

    async def run(self, statement: Statement, values: Values | None = None) -> int:
        compiled = statement.compiled(Dialect.POSTGRESQL)
        cursor = await self._ready()
        try:
            with self._link.speaking():
                await cursor.execute(compiled.sql, _bound(compiled, values), prepare=True)  # pyright: ignore[reportArgumentType] -- compiled, not literal
                return cursor.rowcount
        except BaseException:
            self.failed = True
            raise

    async def run_many(self, statement: Statement, values: Sequence[Values]) -> None:
        compiled = statement.compiled(Dialect.POSTGRESQL)
        cursor = await self._ready()
        try:
            with self._link.speaking():
                await cursor.executemany(compiled.sql, [_bound(compiled, one) for one in values])  # pyright: ignore[reportArgumentType] -- compiled, not literal
        except BaseException:
            self.failed = True
            raise

    def end(self) -> None:
        """From now on nothing can be asked of it."""
        self._open = False

    async def _ready(self) -> AsyncCursor[Row]:
        if not self._open:
            raise RuntimeError("this transaction has ended")
        if self.failed:
            raise DatabaseBusy("An earlier statement of this transaction failed")
        if self._cursor is None:
            self._cursor = await self._begun()
        return self._cursor

    async def _begun(self) -> AsyncCursor[Row]:
        cursor = await self._link.cursor()
        self.begun = True
        try:
            await self._link.execute(self._begin)
        except DatabaseBusy:
            if self._link.is_connected:
                raise
            # The server hung up at this very moment. Nothing was asked of it yet, so once more does no harm.
            cursor = await self._link.cursor()
            await self._link.execute(self._begin)
        return cursor


def _bound(compiled: Compiled, values: Values | None) -> Values | None:
    if not compiled.constants:
        return values
    return {**compiled.constants, **(values or {})}


class _Turn:
    """A link's turn, and a transaction in it."""

    __slots__ = ("_background", "_ids", "_link", "_session", "_turns")
    begin = WRITING

    def __init__(self, turns: Turns[Link], background: Background, ids: Ids) -> None:
        self._turns = turns
        self._background = background
        self._ids = ids

    async def __aenter__(self) -> SqlTransaction:
        self._link = await self._turns.take()
        self._session = PostgresSession(self._link, self.begin)
        return SqlTransaction(self._session, self._ids)

    def _give_back(self) -> None:
        self._turns.give_back(self._link, cold=not self._link.is_connected)

    def _abandon(self) -> None:
        """Roll back without making anybody wait, so that nobody can be cancelled in between; then the next may come."""
        self._background.start(self._roll_back())

    async def _roll_back(self) -> None:
        try:
            if self._link.is_connected:
                await self._link.execute("ROLLBACK")
        except (Problem, psycopg.Error):
            self._link.drop()
        except BaseException:
            self._link.drop()
            raise
        finally:
            self._give_back()


class Writing(_Turn):
    """`async with`: committed at the end, durably, or rolled back."""

    __slots__ = ()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session = self._session
        session.end()
        if not session.begun:
            self._give_back()
        elif error is not None:
            self._abandon()
        elif session.failed:
            self._abandon()
            raise DatabaseBusy("A statement of this transaction failed, nothing was changed")
        else:
            try:
                done = await self._link.execute("COMMIT")
            except BaseException:
                # Whether it was committed nobody knows; the connection was dropped, or the server refused.
                self._abandon()
                raise
            self._give_back()
            if done != "COMMIT":
                raise DatabaseBusy("The transaction was given up by the database")


class Reading(_Turn):
    """`async with`: a snapshot."""

    __slots__ = ()
    begin = READING

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.end()
        if self._session.begun:
            self._abandon()
        else:
            self._give_back()
