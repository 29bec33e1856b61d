"""Statements, compiled once per dialect, and the session that runs them.

A statement is built from SQLAlchemy expressions when it is first used and then is text: executing one costs a look in a
dictionary, not a walk over an expression. Values go in and come out as the database's own (int, str, bytes, None): the
repositories turn them into nouns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, cast

from sqlalchemy import BigInteger, Executable, Integer, Table, bindparam, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.engine.interfaces import Dialect as SqlDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import BindParameter, ColumnElement, literal_column

#: Columns in the order of the statement. `Any` stays inside this package: repositories give every value its type.
Row = tuple[Any, ...]
Values = Mapping[str, object]
MAX_ROWS = 10_000
"""No list is longer, whatever its caller asks for."""


class Dialect(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


_DIALECTS: Mapping[Dialect, Callable[[], SqlDialect]] = {
    Dialect.SQLITE: lambda: sqlite.dialect(paramstyle="named"),
    Dialect.POSTGRESQL: lambda: postgresql.psycopg.dialect(),
}


class Violated(Exception):
    """A row with that unique key is there already, or one it refers to is not. Repositories turn it into a Problem."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """`constants` are the values written in the statement itself; `uses_clock` asks for the value of `DatabaseNow`."""

    sql: str
    constants: Mapping[str, object]
    uses_clock: bool


class Statement:
    """One statement for every dialect. Give a function of the dialect where they must differ."""

    __slots__ = ("_build", "_compiled")

    def __init__(self, build: Executable | Callable[[Dialect], Executable]) -> None:
        self._build = build
        self._compiled: dict[Dialect, Compiled] = {}

    def expression(self, dialect: Dialect) -> Executable:
        return self._build if isinstance(self._build, Executable) else self._build(dialect)

    def compiled(self, dialect: Dialect) -> Compiled:
        found = self._compiled.get(dialect)
        if found is None:
            found = self._compiled[dialect] = self._compile(dialect)
        return found

    def _compile(self, dialect: Dialect) -> Compiled:
        compiled = cast("SQLCompiler", self.expression(dialect).compile(dialect=_DIALECTS[dialect]()))  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] every executable we build compiles
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return Compiled(compiled.string, constants, CLOCK in compiled.params)


class Session(Protocol):
    """One transaction on one connection. All that the repositories know of an engine."""

    async def rows(self, statement: Statement, values: Values | None = None) -> Sequence[Row]:
        """Everything the statement answers. Raises Violated, DatabaseBusy, StorageFull."""
        ...

    async def run(self, statement: Statement, values: Values | None = None) -> int:
        """How many rows it changed. Raises as `rows` does."""
        ...

    async def run_many(self, statement: Statement, values: Sequence[Values]) -> None:
        """The same statement for each of `values`. Raises as `rows` does."""
        ...


async def first(session: Session, statement: Statement, values: Values | None = None) -> Row | None:
    rows = await session.rows(statement, values)
    return rows[0] if rows else None


# ------------------------------------------------------------------------------------------ where the dialects differ


def insert_for(dialect: Dialect, table: Table) -> Insert:
    """An INSERT that knows ON CONFLICT. Both dialects have the same methods, on two unrelated classes."""
    if dialect is Dialect.SQLITE:
        return sqlite.insert(table)
    return cast("Insert", cast("object", postgresql.insert(table)))


def delete_oldest(table: Table, where: ColumnElement[bool], order_by: ColumnElement[Any]) -> Statement:
    """Deletes the first `limit` rows for which `where` holds. Rows that somebody else deletes just now are theirs: two
    who do this at once share the work instead of waiting for each other. (SQLite has one writer.)"""
    key = list(table.primary_key.columns)
    found = select(*key).where(where).order_by(order_by).limit(limit_value()).with_for_update(skip_locked=True)
    return Statement(delete(table).where((tuple_(*key) if len(key) > 1 else key[0]).in_(found)))


def delete_first(table: Table, where: ColumnElement[bool]) -> Statement:
    """Deletes those of the first `limit` rows for which `where` holds. For tables whose ids grow with time: what is old
    comes first, and the rows that are written most often need no index on their time."""
    first_ones = select(table.c.id).order_by(table.c.id).limit(limit_value()).with_for_update(skip_locked=True)
    return Statement(delete(table).where(table.c.id.in_(first_ones), where))


CLOCK = "database_now"


class DatabaseNow(ColumnElement[int]):
    """The database's own clock in microseconds, which leases are judged by (decision 24).

    SQLite runs in our process, so its clock is ours, and the session brings it along (and tests can stop it).
    """

    type = BigInteger()
    inherit_cache = True


@compiles(DatabaseNow, "sqlite")
def _now_in_sqlite(_element: DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(bindparam(CLOCK, type_=BigInteger()), **options)


@compiles(DatabaseNow, "postgresql")
def _now_in_postgresql(_element: DatabaseNow, _compiler: SQLCompiler, **_options: Any) -> str:
    # Of the statement: it does not change while one runs, so that an index can be searched for it.
    return "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)"


# ----------------------------------------------------------------------------------------------------- small pieces


def word(value: StrEnum) -> ColumnElement[str]:
    """A word of a closed set written into the statement itself, so that partial indexes match."""
    return literal_column(f"'{value.value}'")


def limit_value(name: str = "limit") -> BindParameter[int]:
    return bindparam(name, type_=Integer())


def at_most(limit: int) -> int:
    return max(0, min(limit, MAX_ROWS))


def set_from_values(table: Table, *, without: tuple[str, ...]) -> dict[str, BindParameter[Any]]:
    """For UPDATE: every column but those takes the value of its own name. (SQLAlchemy reserves the bare names in an
    UPDATE for itself, so the values are called `new_<column>`.)"""
    return {c.name: bindparam(f"new_{c.name}", type_=c.type) for c in table.columns if c.name not in without}
