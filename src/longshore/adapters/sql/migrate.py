"""Bringing a schema up to date.

Alembic is imported only when there is something to do: its import takes longer than everything else at a start.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.core.errors import Conflict

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEAD = "0001"
"""The newest revision in `migrations/versions`; a test keeps them equal."""
KNOWN = frozenset({HEAD})
"""Every revision this release has; a test keeps them equal."""
MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaTooNew(Conflict):
    """A newer release has changed this database already. (Additive changes are fine: the older release goes on.)"""

    code = "schema-too-new"
    title = "The database belongs to a newer release of Longshore"


def schema_version(db: sqlite3.Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'").fetchone() is None:
        return None
    row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def ensure_schema(db: sqlite3.Connection) -> bool:
    """Bring a SQLite database up to date; True when there was something to do. One transaction: all of it or nothing,
    and of two processes that start together the second finds it done."""
    if schema_version(db) == HEAD:
        return False
    db.execute("BEGIN EXCLUSIVE")
    try:
        if schema_version(db) == HEAD:
            db.execute("ROLLBACK")
            return False
        from sqlalchemy import StaticPool, create_engine

        engine = create_engine("sqlite://", creator=lambda: db, poolclass=StaticPool)
        with engine.connect() as connection:
            upgrade(connection)
            connection.commit()
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return True


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations on an open connection, in the transaction it is in."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
