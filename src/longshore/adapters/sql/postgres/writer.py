"""What the batching writer does on a PostgreSQL connection.

A batch without an `Idempotency-Key` is a single statement, and so a transaction by itself: one way to the server and
back. Its rows travel as JSON, two values instead of thousands: binding them one by one, or as arrays, costs our process
five times as much, and COPY (as quick for large batches) two ways more and three times as much for small ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import msgspec
import psycopg
from psycopg import AsyncCursor
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from longshore.adapters.sql import audit, repeats, uploads
from longshore.adapters.sql.admissions import Waiting
from longshore.adapters.sql.postgres.errors import translated
from longshore.adapters.sql.postgres.link import Link
from longshore.adapters.sql.postgres.session import WRITING
from longshore.adapters.sql.statement import Row
from longshore.adapters.sql.tables import audit as audit_table
from longshore.adapters.sql.tables import repeats as repeats_table
from longshore.adapters.sql.tables import uploads as uploads_table
from longshore.core.errors import Problem
from longshore.ports.database import DatabaseBusy, RepeatTaken, Unstorable

_encoder = msgspec.json.Encoder()
_Keys = set[tuple[int, str]]


async def insert_batch(link: Link, batch: Sequence[Waiting]) -> Sequence[Exception | None]:
    """See `Admissions`. Raises DatabaseBusy, StorageFull."""
    cursor = await link.cursor()
    try:
        if all(waiting.repeat is None for waiting in batch):
            await _insert(link, cursor, batch)
            return [None] * len(batch)
        return await _insert_claiming(link, cursor, batch)
    except _RowError:
        await _give_up(link)
        return await _insert_one_by_one(link, cursor, batch)
    except BaseException:
        await _give_up(link)
        raise


class _RowError(Exception):
    """What is wrong with a row, not with the database: a constraint, a text or number that cannot be stored."""


async def _insert(link: Link, cursor: AsyncCursor[Row], batch: Sequence[Waiting]) -> None:
    """All rows of all of them, in one statement."""
    await _execute(
        link,
        cursor,
        _insert_sql(),
        {
            "uploads": _json(uploads.COLUMNS, [row for waiting in batch for row in waiting.uploads]),
            "audit": _json(audit.COLUMNS, [row for waiting in batch for row in waiting.audit]),
        },
    )


async def _insert_claiming(
    link: Link, cursor: AsyncCursor[Row], batch: Sequence[Waiting]
) -> Sequence[Exception | None]:
    """First the keys, then the rows of those who got theirs."""
    await link.execute(WRITING)
    claims = {(waiting.repeat[0], waiting.repeat[1]): waiting for waiting in reversed(batch) if waiting.repeat}
    claimed = await _claim(link, cursor, [waiting.repeat for waiting in claims.values() if waiting.repeat])
    outcomes: list[Exception | None] = []
    for waiting in batch:
        key = waiting.repeat and (waiting.repeat[0], waiting.repeat[1])
        lost = key and (claims[key] is not waiting or key not in claimed)
        outcomes.append(RepeatTaken(retry_after=timedelta(0)) if lost else None)
    good = [waiting for waiting, outcome in zip(batch, outcomes, strict=True) if outcome is None]
    if good:
        await _insert(link, cursor, good)
    await _commit(link)
    return outcomes


async def _insert_one_by_one(
    link: Link, cursor: AsyncCursor[Row], batch: Sequence[Waiting]
) -> Sequence[Exception | None]:
    """In one transaction, but a bad one fails alone."""
    await link.execute(WRITING)
    outcomes = [await _insert_alone(link, cursor, waiting) for waiting in batch]
    await _commit(link)
    return outcomes


async def _insert_alone(link: Link, cursor: AsyncCursor[Row], waiting: Waiting) -> Exception | None:
    """All rows of one admission or none."""
    await link.execute("SAVEPOINT alone")
    outcome: BaseException | None = None
    try:
        if waiting.repeat is not None and not await _claim(link, cursor, [waiting.repeat]):
            outcome = RepeatTaken(retry_after=timedelta(0))
        else:
            await _insert(link, cursor, [waiting])
    except _RowError as e:
        await link.execute("ROLLBACK TO alone")
        outcome = e.__cause__
    await link.execute("RELEASE alone")
    assert outcome is None or isinstance(outcome, Exception)
    return outcome


async def _claim(link: Link, cursor: AsyncCursor[Row], rows: Sequence[Row]) -> _Keys:
    """Which of these `Idempotency-Key`s nobody had used."""
    await _execute(link, cursor, _claim_sql(), {"repeats": _json(repeats.COLUMNS, rows)})
    return {(project_id, key) for project_id, key in await cursor.fetchall()}


async def _execute(link: Link, cursor: AsyncCursor[Row], sql: str, values: dict[str, str]) -> None:
    try:
        with link.speaking(translate=False):
            await cursor.execute(sql, values, prepare=True)  # pyright: ignore[reportArgumentType] -- made below
    except psycopg.Error as e:
        problem = translated(e)
        if isinstance(problem, Problem) and not isinstance(problem, Unstorable):
            raise problem from e
        problem.__cause__ = e
        raise _RowError from problem


async def _commit(link: Link) -> None:
    if await link.execute("COMMIT") != "COMMIT":
        raise DatabaseBusy("The transaction was given up by the database")


async def _give_up(link: Link) -> None:
    """Back to where a new transaction can begin; a lost connection is there by itself."""
    if link.is_in_transaction:
        try:
            await link.execute("ROLLBACK")
        except BaseException:
            link.drop()
            raise


def _json(columns: tuple[str, ...], rows: Sequence[Row]) -> str:
    """Raises _RowError for what JSON cannot say: half a surrogate pair, a number beyond 64 bits."""
    try:
        return _encoder.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()
    except (ValueError, OverflowError):
        raise _RowError from Unstorable()


# ------------------------------------------------------------------------------------------------------------ the SQL


@cache
def _insert_sql() -> str:
    return (
        f"WITH u AS ({_from_json(uploads_table, uploads.COLUMNS, 'uploads')})"
        f" {_from_json(audit_table, audit.COLUMNS, 'audit')}"
    )


@cache
def _claim_sql() -> str:
    """In the order of the keys: two processes that claim the same ones wait for each other in the same order."""
    insert = _from_json(repeats_table, repeats.COLUMNS, "repeats")
    return f"{insert} ORDER BY project_id, key ON CONFLICT DO NOTHING RETURNING project_id, key"


def _from_json(table: Table, columns: tuple[str, ...], value: str) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    types = ", ".join(f'"{name}" {_type(table, name)}' for name in columns)
    return (
        f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM json_to_recordset(%({value})s::json) AS r({types})'  # noqa: S608 -- names of our tables
    )


def _type(table: Table, name: str) -> str:
    """Without a length: what is too long shall be refused by the table, and not be cut here."""
    compiled = table.c[name].type.compile(dialect=postgresql.psycopg.dialect())
    return "TEXT" if compiled.startswith("VARCHAR") else compiled
