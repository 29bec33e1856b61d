"""The worker: claims due jobs, a bounded number of each class at a time, and sweeps now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog

from longshore.core.errors import Problem
from longshore.core.job import LEASE, Queue
from longshore.core.time import Clock
from longshore.ports.coordination import WakeUp
from longshore.ports.database import Database
from longshore.services.sweeping import Sweeping
from longshore.worker.runner import Runner

log = structlog.get_logger()

#: How many jobs of a class run at once in one process. Inspection waits for the scanner, notification for receivers.
SLOTS: Mapping[Queue, int] = {Queue.INSPECT: 4, Queue.RENDER: 2, Queue.NOTIFY: 8}

_LONGEST_WAIT = timedelta(seconds=5)
"""Wake-ups may be lost and leases run out: the ledger is looked at at least this often."""
_SHORTEST_WAIT = timedelta(milliseconds=20)
_SWEEP_EVERY, _ORPHANS_EVERY = timedelta(seconds=60), timedelta(hours=1)


class Worker:
    def __init__(
        self,
        *,
        db: Database,
        runner: Runner,
        wakeup: WakeUp,
        sweeping: Sweeping,
        clock: Clock,
        owner: str,
        lease: timedelta = LEASE,
        slots: Mapping[Queue, int] = SLOTS,
    ) -> None:
        self._db = db
        self._runner = runner
        self._wakeup = wakeup
        self._sweeping = sweeping
        self._clock = clock
        self._owner = owner
        self._lease = lease
        self._slots = slots
        self._running: dict[Queue, set[asyncio.Task[None]]] = {queue: set() for queue in slots}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop` is called; then the jobs that are under way are finished first."""
        async with asyncio.TaskGroup() as group:
            sweeper = group.create_task(self._sweep())
            while not self._stopping.is_set():
                try:
                    claimed = await self._claim(group)
                except Problem as problem:
                    await log.awarning("worker.ledger_away", reason=problem.detail)
                    claimed = 0
                if not claimed:
                    await self._wakeup.wait(await self._until_due())
            sweeper.cancel()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended."""
        self._stopping.set()
        self._wakeup.ring(Queue.INSPECT)

    async def _claim(self, group: asyncio.TaskGroup) -> int:
        claimed = 0
        for queue, tasks in self._running.items():
            free = self._slots[queue] - len(tasks)
            if free <= 0:
                continue
            async with self._db.transaction() as tx:
                jobs = await tx.jobs.claim(self._owner, [queue], limit=free, lease=self._lease)
            for job in jobs:
                task = group.create_task(self._runner.run(job))
                tasks.add(task)
                task.add_done_callback(lambda done, of=queue: self._ended(of, done))
            claimed += len(jobs)
        return claimed

    def _ended(self, queue: Queue, task: asyncio.Task[None]) -> None:
        self._running[queue].discard(task)
        self._wakeup.ring(queue)

    async def _until_due(self) -> timedelta:
        try:
            async with self._db.reading() as tx:
                due = await tx.jobs.next_due()
        except Problem:
            return _LONGEST_WAIT
        if due is None:
            return _LONGEST_WAIT
        return min(_LONGEST_WAIT, max(_SHORTEST_WAIT, due - self._clock.now()))

    async def _sweep(self) -> None:
        orphans_due = self._clock.now() + _SWEEP_EVERY
        while True:
            try:
                ended = {what: count for what, count in (await self._sweeping.sweep()).items() if count}
                if self._clock.now() >= orphans_due:
                    ended["orphans"] = await self._sweeping.sweep_orphans()
                    orphans_due = self._clock.now() + _ORPHANS_EVERY
                if ended:
                    await log.ainfo("sweeper.swept", **{what.replace(" ", "_"): count for what, count in ended.items()})
            except Problem as problem:
                await log.awarning("sweeper.put_off", reason=problem.detail)
            await asyncio.sleep(_SWEEP_EVERY.total_seconds())
