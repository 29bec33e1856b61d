"""PostgreSQL: many processes on many hosts, one truth."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from longshore.adapters.sql.admissions import Admissions
from longshore.adapters.sql.postgres.link import Background, Link
from longshore.adapters.sql.postgres.schema import HAS_VERSION, VERSION, ensure_schema
from longshore.adapters.sql.postgres.session import Reading, Writing
from longshore.adapters.sql.postgres.settings import PostgresSettings, conninfo, place
from longshore.adapters.sql.postgres.writer import insert_batch
from longshore.adapters.sql.transaction import SqlTransaction
from longshore.adapters.sql.turns import Turns
from longshore.core.ids import Ids
from longshore.core.time import Clock
from longshore.ports.database import Admission

_GRACE_S = 5.0
"""How much longer than its own limit for a statement the server may take to say so, before we hang up."""


class PostgresDatabase:
    """`ports.database.Database` on PostgreSQL. Usable between `open` and `close`, from one event loop.

    Connections are opened when they are first needed and again when they were lost, so a server that comes back is used
    again by itself. Leases are judged by the server's clock, so the one given is not asked.
    """

    def __init__(self, settings: PostgresSettings, _clock: Clock, ids: Ids) -> None:
        self._settings = settings
        self._ids = ids
        self._background = Background()
        self._links: list[Link] = []

    async def migrate(self) -> bool:
        """Make the schema or bring it up to date; True when there was something to do. For `longshore migrate`; `open`
        does the same. Raises DatabaseBusy, BadDatabaseUrl, StorageFull."""
        return await asyncio.to_thread(ensure_schema, self._settings)

    async def open(self) -> None:
        """Bring the schema up to date. Raises DatabaseBusy with a sentence that says where and why, BadDatabaseUrl."""
        settings = self._settings
        await self.migrate()
        where, limit_s = conninfo(settings), settings.statement_timeout_s + _GRACE_S
        self._links = [Link(where, limit_s, self._background) for _ in range(settings.connections + 1)]
        (admitting, *others) = self._links
        patience, length = settings.patience, settings.queue_length
        self._turns = Turns(others, length=length, patience=patience)
        self._admissions = Admissions(
            Turns([admitting], length=1, patience=patience),
            insert_batch,
            batch_rows=settings.batch_rows,
            queue_rows=settings.queue_rows,
        )

    async def close(self) -> None:
        """When what was begun is done."""
        if self._links:
            await self._admissions.close()
        await self._background.finish()
        for link in self._links:
            await link.close()
        self._links = []

    def transaction(self) -> AbstractAsyncContextManager[SqlTransaction]:
        return Writing(self._turns, self._background, self._ids)

    def reading(self) -> AbstractAsyncContextManager[SqlTransaction]:
        return Reading(self._turns, self._background, self._ids)

    async def admit(self, admission: Admission) -> None:
        await self._admissions.admit(admission)

    async def check(self) -> str:
        link = await self._turns.take()
        try:
            (server, exists) = await link.ask(f"SELECT current_setting('server_version'), ({HAS_VERSION})")
            version = (await link.ask(VERSION))[0] if exists else "(none)"
        finally:
            self._turns.give_back(link)
        return f"PostgreSQL {server} at {place(self._settings.url)}, schema {version}"
