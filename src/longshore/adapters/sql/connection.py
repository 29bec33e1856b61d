"""A SQLite connection on a thread of its own.

Work is done in the order it was given, one piece after the other, so a connection never has two owners: who gives up
waiting leaves their piece behind, and what is given afterwards comes after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from longshore.adapters.sql.statement import Violated
from longshore.core.errors import Problem, StorageFull
from longshore.ports.database import DatabaseBusy

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
RETRY_AFTER = timedelta(seconds=1)

_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
"""No room: the disk is full, or (a failed write) a quota or RLIMIT_FSIZE is reached."""
_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_ABORT,
    }
)


def translated(error: sqlite3.Error) -> Exception:
    """The Problem this is to the outside, or Violated, or the error itself when it is a bug or a damaged file."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(code, int):
        return error
    if code in _FULL:
        return StorageFull("There is no room left for the database", retry_after=RETRY_AFTER * 30)
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
        return Violated(str(error))
    if code & 0xFF in _AWAY:
        return DatabaseBusy(f"The database did not answer: {error}", retry_after=RETRY_AFTER)
    return error


@contextlib.contextmanager
def translation() -> Generator[None]:
    """Library errors become ours here and nowhere else; the cause is kept."""
    try:
        yield
    except sqlite3.Error as e:
        problem = translated(e)
        if problem is e:
            raise
        raise problem from e


def connect(path: Path, *, busy_timeout: timedelta, read_only: bool = False) -> sqlite3.Connection:
    """WAL and `synchronous=FULL`: what was committed survives a power cut. We begin and end transactions ourselves."""
    db = sqlite3.connect(
        path,
        timeout=busy_timeout.total_seconds(),
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    try:
        _use_wal(db, time.monotonic() + busy_timeout.total_seconds())
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("PRAGMA cache_size=-16384")
        # 16 MB of log: a page that changes in many transactions is copied to its place once.
        db.execute("PRAGMA wal_autocheckpoint=4000")
        # A reader that takes its time lets the log grow; it must not stay huge afterwards.
        db.execute(f"PRAGMA journal_size_limit={64 << 20}")
        if read_only:
            db.execute("PRAGMA query_only=ON")
    except BaseException:
        db.close()
        raise
    return db


def _use_wal(db: sqlite3.Connection, deadline: float) -> None:
    """A new file is changed over to WAL once. SQLite's timeout does not wait while another process does that."""
    while True:
        try:
            (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise DatabaseBusy("SQLite cannot keep a write-ahead log there; put the database on a local disk")
        return


@dataclass(slots=True)
class _Piece:
    work: Callable[[sqlite3.Connection], Any]
    answer: asyncio.Future[Any] | None


class ConnectionThread:
    """Owns one connection. `call` from one event loop."""

    def __init__(self, name: str, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_connection
        self._pieces: SimpleQueue[_Piece | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Work[T]) -> asyncio.Future[T]:
        """Begins after all earlier work. A cancelled answer drops work that has not begun, and only that.

        Raises what `work` raises, translated.
        """
        if self._closed:
            raise DatabaseBusy("The database is closed")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._pieces.put(_Piece(work, answer))
        return answer

    def post(self, work: Work[None]) -> None:
        """Like `call`, but nobody waits, and nobody hears of a failure: for ends of transactions, which are begun anew
        by the next one in any case."""
        self._pieces.put(_Piece(work, None))

    async def close(self) -> None:
        """When all earlier work is done."""
        self._closed = True
        self._pieces.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        db: sqlite3.Connection | None = None
        while (piece := self._pieces.get()) is not None:
            answer = piece.answer
            if answer is not None and answer.cancelled():
                continue
            value, error = None, None
            try:
                with translation():
                    if db is None:
                        db = self._open()
                    value = piece.work(db)
            except BaseException as e:  # noqa: BLE001 whatever it is belongs to the caller, and the thread goes on
                error = e
            if answer is not None:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    answer.get_loop().call_soon_threadsafe(_settle, answer, value, error)
            del piece, answer, value, error  # while waiting, keep nothing alive
        if db is not None:
            db.close()


def _settle(answer: asyncio.Future[Any], value: object, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(value)
    else:
        answer.set_exception(error)


def is_fatal(error: BaseException) -> bool:
    """True when the transaction is not to be trusted any more: SQLite may have rolled it back by itself."""
    return isinstance(error, (Problem, sqlite3.OperationalError, sqlite3.InternalError))
