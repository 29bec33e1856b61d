"""Sweeping: ends what nobody else ends. Every pass is bounded and safe to repeat, also in two places at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

from longshore.core.ids import FileId, parse_file_id
from longshore.core.job import JobState
from longshore.core.time import Clock
from longshore.ports.database import Database, Transaction
from longshore.ports.storage import Bucket, ObjectKey, ObjectStore
from longshore.services.files import Files
from longshore.services.uploads import Uploads

ORPHAN_AGE = timedelta(hours=48)
"""Older than any open upload can be: what lies in `incoming` then belongs to nobody."""
KEPT_JOBS, KEPT_DEAD_JOBS = timedelta(days=7), timedelta(days=90)
KEPT_REPEATS = timedelta(hours=24)
KEPT_UPLOADS = timedelta(days=30)
"""How long an ended upload can still be asked about, and confirmed again, after it would have expired."""
KEPT_EVENTS, KEPT_DELIVERIES = timedelta(days=30), timedelta(days=30)
KEPT_AUDIT = timedelta(days=365)
PORTION, PORTIONS = 1000, 20
"""A pass forgets so many rows of a kind in one transaction, and so many times at most."""
ROUND, ROUNDS = 100, 100
"""A pass ends so many uploads or files, one by one, before it looks for more, and so many times at most."""


class Sweeping:
    def __init__(self, *, db: Database, objects: ObjectStore, uploads: Uploads, files: Files, clock: Clock) -> None:
        self._db = db
        self._objects = objects
        self._uploads = uploads
        self._files = files
        self._clock = clock

    async def sweep(self) -> dict[str, int]:
        """One pass over everything that may be overdue. Answers how much of each was ended."""
        now = self._clock.now()
        ended = {
            "uploads expired": await _in_portions(self._uploads.expire),
            "files expired": await _in_portions(self._files.expire),
            "files purged": await _in_portions(self._files.purge),
        }
        prunes: dict[str, Callable[[Transaction], Awaitable[int]]] = {
            "jobs": lambda tx: tx.jobs.prune(now - KEPT_JOBS, PORTION),
            "dead jobs": lambda tx: tx.jobs.prune(now - KEPT_DEAD_JOBS, PORTION, state=JobState.DEAD),
            "repeats": lambda tx: tx.repeats.prune(now - KEPT_REPEATS, PORTION),
            "token counts": lambda tx: tx.token_uses.prune(now, PORTION),
            "uploads": lambda tx: tx.uploads.prune(now - KEPT_UPLOADS, PORTION),
            "events": lambda tx: tx.events.prune(now - KEPT_EVENTS, PORTION),
            "deliveries": lambda tx: tx.webhooks.prune(now - KEPT_DELIVERIES, PORTION),
            "audit": lambda tx: tx.audit.prune(now - KEPT_AUDIT, PORTION),
        }
        for what, prune in prunes.items():
            ended[f"{what} forgotten"] = await self._forget(prune)
        return ended

    async def _forget(self, prune: Callable[[Transaction], Awaitable[int]]) -> int:
        """In short transactions, so that nobody waits long for one."""
        gone = 0
        for _ in range(PORTIONS):
            async with self._db.transaction() as tx:
                portion = await prune(tx)
            gone += portion
            if portion < PORTION:
                break
        return gone

    async def sweep_orphans(self, limit: int = 1000) -> int:
        """Delete objects that no row speaks for and that are older than any work in progress. Answers how many."""
        gone = 0
        async for key in self._orphans():
            await self._objects.delete(key)
            gone += 1
            if gone >= limit:
                break
        return gone

    async def _orphans(self) -> AsyncIterator[ObjectKey]:
        older = self._clock.now() - ORPHAN_AGE
        for bucket in Bucket:
            async for key in self._objects.list(bucket, older_than=older):
                if not await self._is_spoken_for(bucket, key):
                    yield key

    async def _is_spoken_for(self, bucket: Bucket, key: ObjectKey) -> bool:
        file_id: FileId | None = parse_file_id(key.name.partition("/")[0])
        if file_id is None:
            return False
        async with self._db.reading() as tx:
            if bucket is Bucket.INCOMING:
                upload = await tx.uploads.get(file_id)
                return upload is not None and upload.state == "open"
            file = await tx.files.get(file_id)
            return file is not None and file.purged_at is None and key.name == f"{file_id}/{file.seal}"


async def _in_portions(end: Callable[[int], Awaitable[int]]) -> int:
    """Until a portion was not full: what comes in faster than one portion a pass must not pile up."""
    ended = 0
    for _ in range(ROUNDS):
        portion = await end(ROUND)
        ended += portion
        if portion < ROUND:
            break
    return ended
