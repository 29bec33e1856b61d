"""Settings of the render pool: sizes in bytes, times in seconds."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec

from longshore.core.imaging.limits import DEFAULT_LIMITS, ImageLimits

Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class VipsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many processes make pixels, and what one of them may use."""

    workers: Positive = msgspec.field(default_factory=_cores)
    """Worker processes; one image at a time each. More than cores gains nothing."""
    memory: Positive = 2 << 30
    """Address space of a worker (`RLIMIT_AS`). 512 MB suffice for 12 megapixels."""
    result_size: Positive = 64 << 20
    """Largest result (`RLIMIT_FSIZE`)."""
    light_deadline: Seconds = 10.0
    heavy_deadline: Seconds = 30.0
    """How long a job may work; the worker is killed then. Heavy jobs are those of a high expected cost."""
    light_queue: Positive = 256
    heavy_queue: Positive = 64
    """How many jobs may wait; then the answer is Busy."""
    idle_queue: Positive = 64
    """How many jobs that nobody waits for may stand behind the others; more are not done this time."""
    queue_wait: Seconds = 10.0
    """How long a job may wait for its turn; then the answer is Busy."""
    recycle_jobs: Positive = 500
    recycle_memory: Positive = 512 << 20
    """A worker is replaced after so many jobs, or when it has once held so much memory."""
    killer_strikes: Positive = 2
    killer_pause: Seconds = 600.0
    """Work that ended so many workers is refused for so long."""
    stop_grace: Seconds = 10.0
    """How long `stop` lets running jobs end."""
    limits: ImageLimits = DEFAULT_LIMITS
