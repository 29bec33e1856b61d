"""What the batching writer does on a SQLite connection, on the writer's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial

from sqlalchemy import Table, insert
from sqlalchemy.dialects import sqlite

from longshore.adapters.sql import audit, repeats, uploads
from longshore.adapters.sql.admissions import Waiting
from longshore.adapters.sql.connection import ConnectionThread, translated
from longshore.adapters.sql.session import WRITING, commit, roll_back
from longshore.adapters.sql.statement import Row
from longshore.adapters.sql.tables import audit as audit_table
from longshore.adapters.sql.tables import repeats as repeats_table
from longshore.adapters.sql.tables import uploads as uploads_table
from longshore.ports.database import RepeatTaken

CHUNK = 64
"""Rows per INSERT. A statement of many rows gives up the GIL once, not once a row, and so does not have to wait for the
event loop after every row; more rows than this gain nothing."""


async def insert_batch(thread: ConnectionThread, batch: Sequence[Waiting]) -> Sequence[Exception | None]:
    """See `Admissions`."""
    return await thread.call(partial(_insert_all, batch))


def _insert_all(batch: Sequence[Waiting], db: sqlite3.Connection) -> list[Exception | None]:
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


def _insert_alone(db: sqlite3.Connection, waiting: Waiting) -> Exception | None:
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


def _claim_repeat(db: sqlite3.Connection, waiting: Waiting) -> Exception | None:
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
