"""What even the smallest command needs: the database, the secrets, and the projects in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from longshore.adapters.secrets import MasterKeyBox, load_master_key
from longshore.adapters.sql.sqlite import SqliteDatabase, SqliteSettings
from longshore.core.ids import Ids, RandomIds
from longshore.core.time import Clock, SystemClock
from longshore.ports.database import Database
from longshore.ports.secrets import SecretBox
from longshore.services.projects import Projects
from longshore.wiring.settings import Settings


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

    Raises BadMasterKey, DatabaseBusy, SchemaTooNew.
    """
    clock, ids = clock or SystemClock(), RandomIds()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = MasterKeyBox(load_master_key(settings.data_dir / "master.key", given=settings.master_key))
    choice = SqliteSettings(
        path=settings.data_dir / "longshore.db",
        readers=settings.database.readers,
        batch_rows=settings.database.batch_rows,
    )
    db = SqliteDatabase(choice, clock, ids)
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
