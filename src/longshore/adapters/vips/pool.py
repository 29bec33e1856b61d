"""The front of the image engine: admits jobs, hands them to worker processes, kills what takes too long.

Runs in the service's event loop and never imports a codec. See `media.md` 4 and decisions 24, 25.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import msgspec
import structlog

from longshore.adapters.vips import wire
from longshore.adapters.vips.admit import Admission, Lane
from longshore.adapters.vips.crew import Crew, Worker
from longshore.adapters.vips.killers import Killers
from longshore.adapters.vips.settings import VipsSettings
from longshore.adapters.vips.sniff import is_heavy, sniff
from longshore.core.errors import Busy, Problem, StorageFull, Unsupported
from longshore.core.imaging.documents import Document
from longshore.core.imaging.grammar import BadOperation
from longshore.core.imaging.plan import Plan
from longshore.core.media import BrokenMedia, ImageFacts, MediaTooLarge
from longshore.ports.rendering import (
    RenderCrashed,
    Rendered,
    RenderQueueFull,
    RenderTimeout,
    ResultTooLarge,
)

log = structlog.get_logger(__name__)

_FULL_DISK_PAUSE = timedelta(seconds=30)

#: The only problems a worker can make us raise.
_PROBLEMS: dict[str, type[Problem]] = {
    problem.code: problem
    for problem in (BadOperation, BrokenMedia, MediaTooLarge, Unsupported, ResultTooLarge, RenderCrashed, StorageFull)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStats:
    """Now: `workers`, `busy`, waiting jobs. Since the start: everything else."""

    workers: int
    busy: int
    waiting_light: int
    waiting_heavy: int
    waiting_idle: int
    jobs: int
    timeouts: int
    crashes: int
    turned_away: int
    recycled: int
    zygote_starts: int


class VipsPool:
    """ImageInspector and Renderer by libvips, Pillow and pi-heif in worker processes.

    `async with VipsPool(settings) as pool:`, or `start` and `stop`. Start it in a thread that outlives it (the main
    one): its processes end with that thread. No process is left behind, also when this one is killed.
    """

    def __init__(self, settings: VipsSettings | None = None) -> None:
        self._settings = settings = settings or VipsSettings()
        self._crew = Crew(settings)
        self._admission = Admission(
            slots=settings.workers,
            heavy_slots=max(1, settings.workers - 1),
            light_queue=settings.light_queue,
            heavy_queue=settings.heavy_queue,
            idle_queue=settings.idle_queue,
        )
        self._killers = Killers(strikes=settings.killer_strikes, pause=settings.killer_pause)
        self._is_open = False
        self._jobs = self._timeouts = self._crashes = self._turned_away = 0

    async def start(self) -> None:
        """Raises OSError when processes cannot be started."""
        try:
            await self._crew.start()
        except BaseException:
            await self._crew.stop()
            raise
        self._is_open = True

    async def stop(self) -> None:
        """Take nothing new, let running jobs end for a while, end all processes. Safe to repeat."""
        self._is_open = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.stop_grace):
                await self._admission.drained()
        await self._crew.stop()

    async def __aenter__(self) -> VipsPool:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pids(self) -> list[int]:
        """The processes of the workers, for who watches them."""
        return self._crew.pids

    def stats(self) -> PoolStats:
        return PoolStats(
            workers=len(self._crew.pids),
            busy=self._admission.running,
            waiting_light=self._admission.waiting(Lane.LIGHT),
            waiting_heavy=self._admission.waiting(Lane.HEAVY),
            waiting_idle=self._admission.waiting(Lane.IDLE),
            jobs=self._jobs,
            timeouts=self._timeouts,
            crashes=self._crashes,
            turned_away=self._turned_away,
            recycled=self._crew.recycled,
            zygote_starts=self._crew.zygote.starts,
        )

    async def inspect(self, source: int, *, key: str = "", tenant: str = "") -> ImageFacts:
        """See `ImageInspector.inspect`."""
        kind = sniff(source)
        if kind is None:
            raise Unsupported("The file is not an image of a type that can be processed")
        heavy = is_heavy(kind, source)
        seconds = self._deadline(heavy)
        job = wire.InspectJob(limits=self._settings.limits, deadline=seconds)
        lane = Lane.HEAVY if heavy else Lane.LIGHT
        reply = await self._run(job, (source,), lane, seconds=seconds, key=key or _identity(source), tenant=tenant)
        if not isinstance(reply, wire.Inspected):
            raise RenderCrashed
        return reply.facts

    async def render(
        self,
        plan: Plan,
        source: int,
        target: int,
        *,
        deadline: timedelta | None = None,
        key: str = "",
        tenant: str = "",
        urgent: bool = True,
        overlays: Sequence[int] = (),
    ) -> Rendered:
        """See `Renderer.render`."""
        seconds = deadline.total_seconds() if deadline else self._deadline(plan.is_heavy)
        job = wire.RenderJob(plan=wire.WirePlan.of(plan), deadline=seconds, result_size=self._settings.result_size)
        key = key or f"{_identity(source)} {sha256(msgspec.json.encode(plan)).hexdigest()}"
        lane = Lane.IDLE if not urgent else Lane.HEAVY if plan.is_heavy else Lane.LIGHT
        descriptors = (source, target, *overlays)
        reply = await self._run(job, descriptors, lane, seconds=seconds, key=key, tenant=tenant)
        # Said by the plan and the file system; a worker has read hostile bytes, and only chooses among formats.
        size = os.fstat(target).st_size
        if not size or not isinstance(reply, wire.Written):
            raise RenderCrashed
        width, height = (plan.width, plan.height) if plan.is_exact else (reply.width, reply.height)
        if isinstance(plan.encode, Document):
            return Rendered(content_type=plan.content_type, width=width, height=height, size=size)
        if reply.format is None or reply.format not in plan.encode.formats:
            raise RenderCrashed
        return Rendered(content_type=reply.format.content_type, width=width, height=height, size=size)

    def _deadline(self, heavy: bool) -> float:
        return self._settings.heavy_deadline if heavy else self._settings.light_deadline

    async def _run(
        self, job: wire.Job, descriptors: tuple[int, ...], lane: Lane, *, seconds: float, key: str, tenant: str
    ) -> wire.Reply:
        if not self._is_open:
            raise RenderQueueFull("The image engine is not running", retry_after=timedelta(seconds=5))
        self._killers.check(key)
        try:
            async with asyncio.timeout(self._settings.queue_wait):
                await self._admission.enter(lane, tenant)
        except TimeoutError:
            self._turned_away += 1
            raise RenderQueueFull(retry_after=self._admission.advice()) from None
        except RenderQueueFull:
            self._turned_away += 1
            raise
        began = time.monotonic()
        try:
            reply = await self._ask(await self._taken(), job, descriptors, seconds, key)
        finally:
            self._jobs += 1
            self._admission.leave(lane, seconds=time.monotonic() - began)
        if isinstance(reply, wire.Failed):
            problem = _PROBLEMS.get(reply.code, RenderCrashed)(reply.detail)
            if isinstance(problem, Busy):
                problem.retry_after = _FULL_DISK_PAUSE
            raise problem
        return reply

    async def _taken(self) -> Worker:
        """A slot means that a worker is idle or on its way; only when none can be started does this fail."""
        try:
            async with asyncio.timeout(self._settings.queue_wait):
                return await self._crew.take()
        except TimeoutError:
            raise RenderQueueFull(retry_after=timedelta(seconds=5)) from None

    async def _ask(
        self, worker: Worker, job: wire.Job, descriptors: tuple[int, ...], seconds: float, key: str
    ) -> wire.Reply:
        try:
            async with asyncio.timeout(seconds):
                reply = await worker.ask(job, descriptors)
        except TimeoutError:
            self._crew.replace(worker)
            self._timeouts += 1
            self._killers.strike(key)
            log.warning("render.killed", key=key, deadline_s=seconds)
            raise RenderTimeout from None
        except (OSError, ValueError) as error:
            self._crew.replace(worker)
            self._crashes += 1
            self._killers.strike(key)
            log.warning("render.crashed", key=key, error=type(error).__name__)
            raise RenderCrashed from error
        except BaseException:
            self._crew.replace(worker)  # the caller left: so does the work
            raise
        self._crew.give(worker, peak=reply.peak)
        return reply


def _identity(source: int) -> str:
    """Names the bytes behind a descriptor as well as the file system can."""
    status = os.fstat(source)
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
