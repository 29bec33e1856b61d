"""Pixels: what services need from an image engine. Media is never decoded in the process that calls these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from longshore.core.errors import Busy, Invalid, TooLarge
from longshore.core.imaging.plan import Plan
from longshore.core.media import ImageFacts


class RenderTimeout(Invalid):
    """The work was stopped at its deadline; the same work will not fit the next time either."""

    code = "render-timeout"
    title = "Processing this image takes longer than allowed"


class RenderCrashed(Invalid):
    """The process that did the work died of it: out of memory, or a codec fell over the bytes."""

    code = "render-crashed"
    title = "The image could not be processed"


class RenderRefused(Invalid):
    """This work has ended processes more than once and is not tried again before `retry_after`."""

    code = "render-refused"
    title = "Processing this image failed repeatedly; it is not tried again for a while"


class ResultTooLarge(TooLarge):
    """The encoded result has more bytes than allowed."""

    code = "result-too-large"
    title = "The resulting image would have too many bytes"


class RenderQueueFull(Busy):
    """Too much is waiting, or this waited too long; `retry_after` is always set."""

    code = "render-queue-full"
    title = "Too many images are being processed; try again shortly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What was written: its media type, size in pixels and size in bytes."""

    content_type: str
    width: int
    height: int
    size: int


class ImageInspector(Protocol):
    """Finds out what an image is, by decoding it."""

    async def inspect(self, source: int, *, key: str = "", tenant: str = "") -> ImageFacts:
        """The facts of the image behind descriptor `source`, a regular file open for reading.

        The bytes are read from their start to the end of the picture, so an answer means that the image decodes; a
        truncated one does not. The descriptor must be an open file of its own (not a `dup` of one that is read
        elsewhere meanwhile: they share a position); it stays the caller's to close, also after an error or a
        cancellation. `key` names the bytes for the memory of what killed workers (absent: the file's identity on
        disk); `tenant` is who waits in the queue, for fairness.

        Raises Unsupported (not an image that can be read here), BrokenMedia (damaged, cut short), MediaTooLarge,
        RenderTimeout, RenderCrashed, RenderRefused, RenderQueueFull. If the caller leaves, work stops.
        """
        ...


class Renderer(Protocol):
    """Makes derived images."""

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
        """Do `plan` on the image behind `source`; write the result into `target`.

        `source` as for `ImageInspector.inspect`; `target` is an empty regular file open for writing (write-only is
        enough). What stands in it after an error or a cancellation is worthless. `deadline` bounds the work itself
        (absent: by cost), waiting is bounded apart. `key` names plan and source together, best the cache key; a key
        that killed workers twice is refused for a while. Without `urgent`, for what nobody waits for, it stands behind
        everything else. `overlays` are descriptors like `source`, one
        for each of `plan.overlays`. The result is `plan.width` x `plan.height`, unless the plan is not exact.

        Raises BrokenMedia, MediaTooLarge, Unsupported, ResultTooLarge, BadOperation (too large a result of a plan that
        is not exact), StorageFull (no room for the target),
        RenderTimeout, RenderCrashed, RenderRefused, RenderQueueFull. If the caller leaves, work stops.
        """
        ...
