"""What even the smallest command needs: the database, the secrets, and the projects in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from longshore.adapters.secrets import MasterKeyBox, load_master_key
from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.ids import Ids, RandomIds
from longshore.core.time import Clock, SystemClock
from longshore.ports.database import Database
from longshore.ports.secrets import SecretBox
from longshore.services.projects import Projects
from longshore.wiring.settings import PostgresChoice, Settings, SqliteChoice


class _Opened(Database, Protocol):
    async def open(self) -> None: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    settings: Settings
    clock: Clock
    ids: Ids
    db: Database
    secrets: SecretBox
    projects: Projects


@asynccontextmanager
async def foundation(settings: Settings, clock: Clock | None = None) -> AsyncGenerator[Foundation]:
    """Opens the database (and brings its schema up to date) for the time inside.

    Raises BadMasterKey, DatabaseBusy (with a sentence that says where and why), BadDatabaseUrl.
    """
    clock, ids = clock or SystemClock(), RandomIds()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = MasterKeyBox(load_master_key(settings.data_dir / "master.key", given=settings.master_key))
    db = _database(settings, clock, ids)
    await db.open()
    try:
        yield Foundation(
            settings=settings,
            clock=clock,
            ids=ids,
            db=db,
            secrets=secrets,
            projects=Projects(db, secrets, clock, ids),
        )
    finally:
        await db.close()


def _database(settings: Settings, clock: Clock, ids: Ids) -> _Opened:
    match settings.database:
        case SqliteChoice() as choice:
            path = settings.data_dir / "longshore.db"
            sqlite = SqliteSettings(path=path, readers=choice.readers, batch_rows=choice.batch_rows)
            return SqliteDatabase(sqlite, clock, ids)
        case PostgresChoice() as choice:
            # Only who uses it waits for its import.
            from longshore.adapters.sql.postgres import PostgresDatabase, PostgresSettings

            postgres = PostgresSettings(
                url=choice.url,
                connections=choice.connections,
                patience_s=choice.patience_s,
                lock_timeout_s=choice.lock_timeout_s,
                statement_timeout_s=choice.statement_timeout_s,
                batch_rows=choice.batch_rows,
            )
            return PostgresDatabase(postgres, clock, ids)
