"""Bringing a schema up to date.

Alembic is imported only when there is something to do: its import takes longer than everything else at a start.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"
#: Files are named `<revision>_<what it does>.py`, and revisions count up.
REVISIONS = tuple(sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")))
HEAD = REVISIONS[-1]
_alembic = Lock()
"""Alembic keeps its context in module globals: one migration at a time in a process."""


def schema_version(db: sqlite3.Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'").fetchone() is None:
        return None
    row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def is_behind(version: str | None) -> bool:
    return version is None or version in REVISIONS[:-1]


def ensure_schema(db: sqlite3.Connection) -> bool:
    """Bring a SQLite database up to date; True when there was something to do. One transaction: all of it or nothing,
    and of two processes that start together the second finds it done.

    A revision that this release does not know was made by a newer one. Changes are additive first, so we run on it.
    """
    if not is_behind(schema_version(db)):
        return False
    from sqlalchemy import StaticPool, create_engine

    engine = create_engine("sqlite://", creator=lambda: db, poolclass=StaticPool)
    with engine.connect() as connection:  # a first connection is tried out and rolled back, so we begin after that
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        if not is_behind(schema_version(db)):
            return False
        upgrade(connection)
        connection.commit()
    return True


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations on an open connection, in the transaction it is in."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _alembic:
        command.upgrade(config, revision)
