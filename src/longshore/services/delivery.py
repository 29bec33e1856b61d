"""Delivery: a URL becomes a transformation, a transformation and a file become a key, a key is looked up, and only a
miss costs pixels."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from longshore.core.errors import Invalid
from longshore.core.file import File
from longshore.core.ids import FileId, parse_file_id
from longshore.core.imaging.grammar import BadOperation, Directive, parse
from longshore.core.imaging.limits import DEFAULT_LIMITS, ImageLimits
from longshore.core.imaging.negotiate import AcceptClass, Choice, OutputFormat, choose
from longshore.core.imaging.operations import document_of
from longshore.core.imaging.plan import Plan, make_plan
from longshore.core.imaging.transformation import Transformation
from longshore.core.kind import Visibility
from longshore.core.media import RENDERABLE, BrokenMedia, ImageFacts
from longshore.core.ranges import ByteRange
from longshore.core.time import Clock
from longshore.ports.coordination import SingleFlight
from longshore.ports.derived import Derived, DerivedStore
from longshore.ports.rendering import Renderer
from longshore.ports.storage import ObjectKey, ObjectStore
from longshore.services.failures import DETERMINISTIC, Failures
from longshore.services.files import Files
from longshore.services.mezzanine import Mezzanines
from longshore.services.projects import TimedCache

PREVIEW = "-/preview/320x320/-/format/webp/"
"""The one preview that every image has, as the operations of its URL."""

_SHARED_WAIT = timedelta(seconds=30)
"""How long a request waits for somebody else who is making the same result."""

_REMEMBERED = timedelta(hours=1)


class NotAnImage(Invalid):
    code = "not-an-image"
    title = "Not supported for files that are not images."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A transformation of one file, ready to be looked up or made. `key` is the cache key; `overlays` are the other
    files it draws, in the order of the plan."""

    file_id: FileId
    key: str
    plan: Plan
    choice: Choice
    overlays: tuple[File, ...] = ()


class Delivery:
    def __init__(
        self,
        *,
        objects: ObjectStore,
        derived: DerivedStore,
        renderer: Renderer,
        single: SingleFlight,
        clock: Clock,
        limits: ImageLimits = DEFAULT_LIMITS,
        mezzanines: Mezzanines | None = None,
    ) -> None:
        """Without `mezzanines` everything is made from originals."""
        self._objects = objects
        self._derived = derived
        self._renderer = renderer
        self._single = single
        self._limits = limits
        self._mezzanines = mezzanines
        self._failures = Failures(clock)
        self._directives = TimedCache[str, Directive](clock, _REMEMBERED)
        self._wanted = TimedCache[tuple[FileId, str, AcceptClass], Wanted](clock, _REMEMBERED)

    def is_renderable(self, media_type: str) -> bool:
        return media_type in RENDERABLE

    def directive(self, path: str) -> Directive:
        """What the raw path after `/<uuid>/` asks for; remembered, as paths come again. Raises BadOperation."""
        return self._directives.get(path) or self._directives.put(path, parse(path))

    async def overlays(self, file: File, directive: Directive, files: Files) -> Mapping[str, File]:
        """The other files that `directive` draws over `file`, by their ids as written.

        Raises BadOperation for what is not an image of the same project that anybody may see: a private one would
        otherwise be shown to whoever may see this one.
        """
        found: dict[str, File] = {}
        for written in directive.overlays:
            overlay_id = parse_file_id(written)
            overlay = (files.known(overlay_id) or await files.find(overlay_id)) if overlay_id else None
            if overlay is None or not overlay.is_deliverable or overlay.project_id != file.project_id:
                raise BadOperation(f'"overlay/{written}": there is no such image in this project')
            if overlay.visibility is not Visibility.PUBLIC and overlay.id != file.id:
                raise BadOperation(f'"overlay/{written}": there is no such image in this project')
            if overlay.image is None:
                raise BadOperation(f'"overlay/{written}": the file is not an image')
            found[written] = overlay
        return found

    def wanted(self, file: File, path: str, accept: AcceptClass, overlays: Mapping[str, File] | None = None) -> Wanted:
        """The transformation that `path` asks of `file`. Raises BadOperation, NotAnImage, MediaTooLarge."""
        remembered = self._wanted.get((file.id, path, accept))
        if remembered is not None:
            return remembered
        directive = self.directive(path)
        if file.image is None:
            raise NotAnImage
        transformation = Transformation.of(str(file.id), directive.operations)
        choice = _choice(transformation, accept, file.image, self._limits)
        others = {written: overlay.image for written, overlay in (overlays or {}).items() if overlay.image}
        plan = make_plan(
            transformation.operations, file.image, choice, self._limits, file_id=str(file.id), overlays=others
        )
        wanted = Wanted(
            file_id=file.id,
            key=transformation.key(choice.format),
            plan=plan,
            choice=choice,
            overlays=tuple((overlays or {})[written] for written in plan.overlays),
        )
        return self._wanted.put((file.id, path, accept), wanted)

    def cached(self, wanted: Wanted) -> Derived | None:
        """From memory, without waiting."""
        return self._derived.cached(wanted.file_id, wanted.key)

    async def result(self, file: File, wanted: Wanted) -> Derived:
        """The finished result: looked up, or made once however many ask.

        Raises ObjectMissing, StorageFull, and what `Renderer.render` raises.
        """
        found = await self._derived.get(file.id, wanted.key)
        if found is not None:
            return found
        self._failures.check(file.id, wanted.key)
        async with self._single.hold(wanted.key, within=_SHARED_WAIT):
            found = await self._derived.get(file.id, wanted.key)
            if found is not None:
                return found
            self._failures.check(file.id, wanted.key)
            try:
                return await self._made(file, wanted)
            except DETERMINISTIC as problem:
                self._failures.remember(file.id, wanted.key, problem)
                raise

    async def _made(self, file: File, wanted: Wanted) -> Derived:
        if self._mezzanines is not None:
            async with self._mezzanines.source(file, wanted.plan) as reduced:
                if reduced is not None:
                    with contextlib.suppress(BrokenMedia):  # damaged on the disk: the original is at hand
                        return await self._rendered(file, wanted, *reduced)
        async with self._objects.open(ObjectKey.sealed(file.id, file.seal)) as source:
            return await self._rendered(file, wanted, wanted.plan, source)

    async def _rendered(self, file: File, wanted: Wanted, plan: Plan, source: int) -> Derived:
        async with contextlib.AsyncExitStack() as stack:
            overlays = [
                await stack.enter_async_context(self._objects.open(ObjectKey.sealed(overlay.id, overlay.seal)))
                for overlay in wanted.overlays
            ]
            draft = await stack.enter_async_context(self._derived.draft(file.id, wanted.key))
            rendered = await self._renderer.render(
                plan, source, draft.fd, key=wanted.key, tenant=str(file.project_id), overlays=overlays
            )
            return await draft.commit(content_type=rendered.content_type, width=rendered.width, height=rendered.height)

    async def preview(self, file: File) -> Derived:
        return await self.result(file, self.wanted(file, PREVIEW, AcceptClass.OTHER))

    def original(self, file: File, part: ByteRange | None) -> AsyncIterator[bytes]:
        """The stored bytes, or a part of them. Raises ObjectMissing at the first piece."""
        key = ObjectKey.sealed(file.id, file.seal)
        return self._objects.read(key, start=part.start, end=part.end) if part else self._objects.read(key)

    async def drop(self, file_id: FileId) -> None:
        """Forget everything derived from a file."""
        self._failures.drop(file_id)
        await self._derived.drop(file_id)


def _choice(transformation: Transformation, accept: AcceptClass, facts: ImageFacts, limits: ImageLimits) -> Choice:
    """A document is the same for every client; its format is only a part of the key."""
    if document_of(transformation.operations):
        return Choice(format=OutputFormat.PNG, varies=False)
    return choose(transformation.operations, accept, facts, limits)
