"""SQLite: one file, one writer, readers that wait for nobody."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from longshore.adapters.sql.admissions import Admissions
from longshore.adapters.sql.connection import ConnectionThread, connect, translation
from longshore.adapters.sql.migrate import ensure_schema, schema_version
from longshore.adapters.sql.session import Reading, Writing
from longshore.adapters.sql.transaction import SqlTransaction
from longshore.adapters.sql.turns import Turns
from longshore.adapters.sql.writer import insert_batch
from longshore.core.ids import Ids
from longshore.core.time import Clock
from longshore.ports.database import Admission


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteSettings:
    """How SQLite is used. Only `path` has to be given."""

    path: Path
    """The database file. Its folder is made when it is missing; it must be on a local disk (WAL shares memory)."""
    readers: int = 3
    """Threads that read, each with a connection of its own."""
    patience_s: float = 5.0
    """How long a transaction waits for its turn, and then for another process's lock, before DatabaseBusy."""
    queue_length: int = 2_000
    """How many transactions may wait for their turn."""
    batch_rows: int = 2_000
    """How many rows one transaction of admissions writes at most, unless a single admission has more."""
    queue_rows: int = 40_000
    """How many rows of admissions may wait."""


class SqliteDatabase:
    """`ports.database.Database` on one SQLite file. Usable between `open` and `close`, from one event loop."""

    def __init__(self, settings: SqliteSettings, clock: Clock, ids: Ids) -> None:
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._threads: list[ConnectionThread] = []

    async def migrate(self) -> bool:
        """Create the file or bring its schema up to date; True when there was something to do. For `longshore migrate`;
        `open` does the same. Raises DatabaseBusy, StorageFull."""
        return await asyncio.to_thread(_migrate, self._settings.path, timedelta(seconds=self._settings.patience_s))

    async def open(self) -> None:
        """Bring the schema up to date and start the threads. Raises DatabaseBusy, StorageFull."""
        settings = self._settings
        patience = timedelta(seconds=settings.patience_s)
        await self.migrate()
        writer = ConnectionThread("sqlite-writer", partial(connect, settings.path, busy_timeout=patience))
        readers = [
            ConnectionThread(
                f"sqlite-reader-{n}", partial(connect, settings.path, busy_timeout=patience, read_only=True)
            )
            for n in range(settings.readers)
        ]
        self._threads = [writer, *readers]
        self._writing = Turns([writer], length=settings.queue_length, patience=patience)
        self._reading = Turns(readers, length=settings.queue_length, patience=patience)
        self._admissions = Admissions(
            self._writing, insert_batch, batch_rows=settings.batch_rows, queue_rows=settings.queue_rows
        )

    async def close(self) -> None:
        """When what was begun is done."""
        if self._threads:
            await self._admissions.close()
        for thread in self._threads:
            await thread.close()
        self._threads = []

    def transaction(self) -> AbstractAsyncContextManager[SqlTransaction]:
        return Writing(self._writing, self._clock, self._ids)

    def reading(self) -> AbstractAsyncContextManager[SqlTransaction]:
        return Reading(self._reading, self._clock, self._ids)

    async def admit(self, admission: Admission) -> None:
        await self._admissions.admit(admission)

    async def check(self) -> str:
        thread = await self._reading.take()
        try:
            version = await thread.call(schema_version)
        finally:
            self._reading.give_back(thread)
        return f"SQLite {sqlite3.sqlite_version} at {self._settings.path}, schema {version or '(none)'}"


def _migrate(path: Path, patience: timedelta) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    with translation():
        db = connect(path, busy_timeout=patience)
        try:
            return ensure_schema(db)
        finally:
            db.close()
