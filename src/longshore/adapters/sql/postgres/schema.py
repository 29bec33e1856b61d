"""Bringing a PostgreSQL schema up to date, with the same revisions as SQLite. On a thread: Alembic is synchronous."""

from __future__ import annotations

import psycopg

from longshore.adapters.sql.migrate import is_behind, upgrade
from longshore.adapters.sql.postgres.errors import RETRY_AFTER, reason, translation
from longshore.adapters.sql.postgres.settings import PostgresSettings, conninfo, place
from longshore.ports.database import DatabaseBusy

_LOCK = 0x6C6F6E6773686F72
"""Who holds this advisory lock of the database migrates it."""
VERSION = "SELECT version_num FROM alembic_version"
HAS_VERSION = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables"
    " WHERE tablename = 'alembic_version' AND schemaname = ANY (current_schemas(false)))"
)
"""Not `to_regclass`: asked again in a transaction that waited for a lock, it may answer from before."""


def ensure_schema(settings: PostgresSettings) -> bool:
    """True when there was something to do. One transaction: all of it or nothing, and of several processes that start
    together one migrates and the others wait for it.

    A revision that this release does not know was made by a newer one. Changes are additive first, so we run on it.
    Raises DatabaseBusy with a sentence that says where and why, BadDatabaseUrl, StorageFull.
    """
    # An index on a large table takes its time.
    where = conninfo(settings, statement_timeout=0, lock_timeout=settings.migration_s)
    try:
        db = psycopg.connect(where)
    except psycopg.Error as e:
        sentence = f"PostgreSQL at {place(settings.url)} cannot be used: {reason(e)}"
        raise DatabaseBusy(sentence, retry_after=RETRY_AFTER) from e
    with translation(), db:
        return is_behind(_version(db)) and _migrate(db, settings)


def _version(db: psycopg.Connection) -> str | None:
    (exists,) = db.execute(HAS_VERSION).fetchone() or (False,)
    row = db.execute(VERSION).fetchone() if exists else None
    return None if row is None else str(row[0])


def _migrate(db: psycopg.Connection, settings: PostgresSettings) -> bool:
    from sqlalchemy import StaticPool, create_engine
    from sqlalchemy.exc import DBAPIError

    db.rollback()
    engine = create_engine("postgresql+psycopg://", creator=lambda: db, poolclass=StaticPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            if not is_behind(_version(db)):
                return False
            # From here on others would queue behind a lock we wait for: rather give up and be started again.
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(settings.lock_timeout_s * 1000)}")
            upgrade(connection)
    except DBAPIError as e:
        raise (e.orig or e) from e
    return True
