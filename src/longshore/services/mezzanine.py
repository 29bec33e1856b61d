"""Mezzanines: made behind the back of requests, used by those that come after.

One costs as much as five variants save (12 megapixels: 100 ms of a core to make, 20 ms less for each variant), so it is
begun with the third variant that could have used it (the preview of every image is the first): a photograph shown in
one size never pays. Whoever asked is answered from the original meanwhile, and the making waits until no request does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from longshore.core.errors import Problem
from longshore.core.file import File
from longshore.core.ids import FileId
from longshore.core.imaging.limits import ImageLimits
from longshore.core.imaging.mezzanine import mezzanine_key, mezzanine_plan, through_mezzanine
from longshore.core.imaging.plan import Plan
from longshore.core.time import Clock
from longshore.ports.coordination import SingleFlight
from longshore.ports.derived import DerivedStore
from longshore.ports.rendering import Renderer
from longshore.ports.storage import ObjectKey, ObjectStore
from longshore.services.projects import TimedCache

log = structlog.get_logger(__name__)

_BEGUN_AT = 3
"""How many variants of a photograph have to be asked for."""
_COUNTED = timedelta(hours=1)
_MOST = 64
"""How many may be in the making; more are begun another time."""
_AT_ONCE = timedelta(seconds=1)


class Mezzanines:
    """To be closed at the end: `close` ends what is in the making."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        derived: DerivedStore,
        renderer: Renderer,
        single: SingleFlight,
        clock: Clock,
        limits: ImageLimits,
    ) -> None:
        self._objects = objects
        self._derived = derived
        self._renderer = renderer
        self._single = single
        self._limits = limits
        self._variants = TimedCache[FileId, int](clock, _COUNTED)
        self._making: dict[FileId, asyncio.Task[None]] = {}

    async def close(self) -> None:
        for task in self._making.values():
            task.cancel()
        await asyncio.gather(*self._making.values(), return_exceptions=True)

    async def made(self) -> None:
        """Wait for those that are in the making (for tests and benchmarks)."""
        await asyncio.gather(*self._making.values())

    @asynccontextmanager
    async def source(self, file: File, plan: Plan) -> AsyncGenerator[tuple[Plan, int] | None]:
        """What to do instead of `plan`, and the descriptor to do it on; None when the original is to be used."""
        reduced = through_mezzanine(plan, file.image) if file.image else None
        found = await self._derived.get(file.id, mezzanine_key(str(file.id))) if reduced else None
        if reduced is None or found is None:
            if reduced is not None:
                self._count(file)
            yield None
            return
        try:
            descriptor = await asyncio.to_thread(os.open, found.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # evicted a moment ago
            yield None
            return
        try:
            yield reduced, descriptor
        finally:
            os.close(descriptor)

    def _count(self, file: File) -> None:
        """One more variant had to be made from the original."""
        if file.id in self._making or len(self._making) >= _MOST:
            return
        variants = (self._variants.get(file.id) or 0) + 1
        self._variants.put(file.id, variants)
        # Not again with each further variant, should it fail.
        if variants == _BEGUN_AT:
            task = asyncio.create_task(self._make(file))
            self._making[file.id] = task
            task.add_done_callback(lambda _: self._making.pop(file.id, None))

    async def _make(self, file: File) -> None:
        key = mezzanine_key(str(file.id))
        try:
            plan = mezzanine_plan(file.image, self._limits) if file.image else None
            if plan is None:
                return
            # Somebody else at work on it is as good.
            async with self._single.hold(key, within=_AT_ONCE):
                if await self._derived.get(file.id, key) is not None:
                    return
                source_key = ObjectKey.sealed(file.id, file.seal)
                async with self._objects.open(source_key) as source, self._derived.draft(file.id, key) as draft:
                    rendered = await self._renderer.render(
                        plan, source, draft.fd, key=key, tenant=str(file.project_id), urgent=False
                    )
                    await draft.commit(content_type=rendered.content_type, width=rendered.width, height=rendered.height)
        except Problem as problem:
            log.info("mezzanine.not_made", file_id=str(file.id), code=problem.code)
