"""Finishing a job in the same transaction as its effects."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from longshore.core.errors import Problem
from longshore.core.job import Job
from longshore.core.time import Clock
from longshore.ports.database import Database, Transaction


class LeaseLost(Problem):
    """Somebody else has taken the job over: nothing of ours may be written."""

    code = "lease-lost"
    title = "The job's lease was lost"


class Ledger:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    @asynccontextmanager
    async def completing(self, job: Job) -> AsyncGenerator[Transaction]:
        """A transaction that ends with `job` done: effects, new events, new jobs and done commit together.

        Raises LeaseLost, and nothing is written, when the lease was lost.
        """
        async with self._db.transaction() as tx:
            yield tx
            if not await tx.jobs.complete(job, self._clock.now()):
                raise LeaseLost
