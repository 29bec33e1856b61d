"""Running one job: its handler, its lease kept alive meanwhile, and what becomes of a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from longshore.core.errors import Forbidden, Gone, Invalid, NotFound, Problem, TooLarge, Unsupported
from longshore.core.job import LEASE, POLICIES, Job, JobKind
from longshore.core.time import Clock
from longshore.ports.database import Database
from longshore.services.ledger import LeaseLost

Handler = Callable[[Job], Awaitable[None]]
"""Does the work and completes the job's lease in its last transaction. Tolerates running twice and late."""

#: Trying again cannot help: the job is dead at once. Everything else is tried again by its policy.
HOPELESS: tuple[type[Problem], ...] = (Invalid, NotFound, Gone, Forbidden, TooLarge, Unsupported)

_RECORDING = (0.5, 2.0, 5.0)
"""Seconds between attempts to record a failure in a ledger that is locked or full."""

log = structlog.get_logger()


class Runner:
    def __init__(
        self, *, db: Database, handlers: Mapping[JobKind, Handler], clock: Clock, lease: timedelta = LEASE
    ) -> None:
        self._db = db
        self._handlers = handlers
        self._clock = clock
        self._lease = lease

    async def run(self, job: Job) -> None:
        """Run a claimed job to its end. Never raises for the job's own failures."""
        with structlog.contextvars.bound_contextvars(job_id=str(job.id), job=job.kind.value, subject=job.subject):
            started = self._clock.now()
            keeping = asyncio.create_task(self._keep(job))
            try:
                await self._handlers[job.kind](job)
            except LeaseLost:
                await log.awarning("job.lease_lost", attempt=job.attempt)
            except Problem as problem:
                await self._failed(job, f"{problem.code}: {problem.detail}", hopeless=isinstance(problem, HOPELESS))
            except Exception as unforeseen:  # noqa: BLE001 -- a job's bug must not end the worker; it is logged whole
                await log.aexception("job.crashed", attempt=job.attempt)
                await self._failed(job, f"unforeseen {type(unforeseen).__name__}", hopeless=False)
            else:
                took = self._clock.now() - started
                await log.ainfo("job.done", attempt=job.attempt, duration_ms=round(took.total_seconds() * 1000, 1))
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self, job: Job) -> None:
        """Extend the lease as long as the work goes on."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                async with self._db.transaction() as tx:
                    await tx.jobs.extend(job, self._lease)
            except Problem as problem:
                await log.awarning("job.lease_not_extended", reason=problem.detail)

    async def _failed(self, job: Job, error: str, *, hopeless: bool) -> None:
        policy = POLICIES[job.kind]
        now = self._clock.now()
        dead = hopeless or job.attempt >= policy.attempts
        due_at = now + policy.delay(job.attempt)
        for patience in _RECORDING:
            try:
                async with self._db.transaction() as tx:
                    if dead:
                        await tx.jobs.bury(job, error=error, at=now)
                    else:
                        await tx.jobs.postpone(job, due_at=due_at, error=error)
            except Problem as problem:
                await log.aerror("job.failure_not_recorded", error=error, reason=problem.detail)
                await asyncio.sleep(patience)
            else:
                await log.awarning("job.dead" if dead else "job.postponed", attempt=job.attempt, error=error)
                return
        # The ledger stays away: the lease runs out by itself, and the job is claimed again.
