"""A place for one connection: opened when it is first needed, and again after it was lost.

Who owns a link (`Turns` says who) owns its connection; a connection that was interrupted in the middle of something is
never used again. That costs a new one for every cancelled statement, and there is no state to be wrong about.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor, waiting
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import TextLoader

from longshore.adapters.sql.postgres.errors import RETRY_AFTER, reason, translation
from longshore.adapters.sql.statement import Row
from longshore.ports.database import DatabaseBusy

T = TypeVar("T")

_CANCEL_S = 2.0
"""How long the server is asked to give up what nobody waits for."""


class _Number(Int8Dumper):
    """Without a type of its own: statements cast every value, and a NULL must not make another prepared statement."""

    oid = 0


class _Connection(AsyncConnection[Row]):
    """psycopg's, but who is cancelled leaves at once (psycopg waits for the server), and no wait is for ever."""

    limit_s: float | None = None

    async def wait(self, gen: PQGen[T], interval: float = 1.0, timeout: float | None = None) -> T:  # noqa: ASYNC109
        async with asyncio.timeout(self.limit_s):
            return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)


class Link:
    """`limit_s` is how long any answer may take: a little more than the server's own limit for a statement."""

    def __init__(self, conninfo: str, limit_s: float, background: Background) -> None:
        self._conninfo = conninfo
        self._limit_s = limit_s
        self._background = background
        self._connection: _Connection | None = None
        self._cursor: AsyncCursor[Row] | None = None
        self._is_closed = False

    async def cursor(self) -> AsyncCursor[Row]:
        """On a connection that is open as far as anybody can know. Raises DatabaseBusy."""
        if self._is_closed:
            raise DatabaseBusy("The database is closed")
        if self._connection is not None and _is_lost(self._connection):
            self.drop()
        if self._cursor is None:
            self._connection = await _connect(self._conninfo, self._limit_s)
            self._cursor = self._connection.cursor()
        return self._cursor

    @contextlib.contextmanager
    def speaking(self, *, translate: bool = True) -> Generator[None]:
        """Around every use: errors become ours, and a connection that did not hear the answer is dropped."""
        try:
            with translation() if translate else contextlib.nullcontext():
                yield
        except TimeoutError as e:
            self.drop()
            raise DatabaseBusy("The database does not answer", retry_after=RETRY_AFTER) from e
        except BaseException:
            if not self._is_quiet:
                self.drop()
            raise

    @property
    def _is_quiet(self) -> bool:
        """Whether the server waits for us: nothing is under way, whatever became of the last statement."""
        if self._connection is None:
            return False
        return self._connection.pgconn.transaction_status in (
            TransactionStatus.IDLE,
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )

    @property
    def is_in_transaction(self) -> bool:
        return self._connection is not None and self._connection.pgconn.transaction_status != TransactionStatus.IDLE

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def execute(self, command: str) -> str:
        """A command without values. Answers what was done, in the server's words."""
        assert self._cursor is not None
        with self.speaking():
            await self._cursor.execute(command, prepare=False)  # pyright: ignore[reportArgumentType, reportCallIssue] -- ours, not literal
            return self._cursor.statusmessage or ""

    async def ask(self, query: str) -> Row:
        """The one row of a query without values, outside of transactions."""
        cursor = await self.cursor()
        with self.speaking():
            await cursor.execute(query, prepare=False)  # pyright: ignore[reportArgumentType, reportCallIssue] -- ours, not literal
            (row,) = await cursor.fetchall()
            return row

    def drop(self) -> None:
        """Give the connection up without waiting. The server is told, so that it lets go of its locks."""
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            self._background.start(_part(connection))

    async def close(self) -> None:
        self._is_closed = True
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            await connection.close()


class Background:
    """Ends of things that nobody waits for: kept, so that they are not lost, and waited for at the close."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)


def _is_lost(connection: _Connection) -> bool:
    """Whether the server has hung up meanwhile. An idle connection has hardly anything else to say, and a new one costs
    less than to find out."""
    if connection.closed:
        return True
    watch = select.poll()
    watch.register(connection.pgconn.socket, select.POLLIN)
    return bool(watch.poll(0))


async def _connect(conninfo: str, limit_s: float) -> _Connection:
    try:
        connection = await _Connection.connect(conninfo, autocommit=True, prepare_threshold=0)
    except psycopg.Error as e:
        raise DatabaseBusy(f"The database cannot be reached: {reason(e)}", retry_after=RETRY_AFTER) from e
    try:
        connection.limit_s = limit_s
        connection.prepared_max = None
        connection.adapters.register_dumper(int, _Number)
        connection.adapters.register_loader("uuid", TextLoader)
        with translation():
            # What was committed survives a power cut, whatever the server was told for everybody else.
            await connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') IN ('off', 'local')",
                prepare=False,
            )
    except BaseException:
        await _part(connection)
        raise
    return connection


async def _part(connection: _Connection) -> None:
    with contextlib.suppress(psycopg.Error, OSError, TimeoutError):
        await connection.cancel_safe(timeout=_CANCEL_S)
    with contextlib.suppress(psycopg.Error, OSError):
        await connection.close()
