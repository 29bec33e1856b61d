"""What `longshore doctor` asks, without starting the server."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from longshore.adapters.vips import VipsPool
from longshore.core.errors import Problem
from longshore.http.operations import Check
from longshore.wiring.compose import scanner_of
from longshore.wiring.settings import Settings
from longshore.wiring.storage import check_storage

LIBVIPS = (8, 18)
"""The libvips of the wheel; a system's own would be another, with other codecs (decision 3)."""


class EngineUnusable(Problem):
    code = "engine-unusable"
    title = "The image engine does not work"


def checks_of(settings: Settings) -> Mapping[str, Check]:
    """Each answers one readable line, or raises Problem."""
    checks: dict[str, Check] = {"storage": lambda: check_storage(settings), "image engine": lambda: _engine(settings)}
    scanner = scanner_of(settings)
    if scanner is not None:
        checks["scanner"] = scanner.check
    return checks


async def _engine(settings: Settings) -> str:
    """Starts the workers once; the version is asked of the wheel."""
    import pyvips

    found = (pyvips.version(0), pyvips.version(1))
    try:
        async with VipsPool(settings.render) as pool:
            workers = pool.stats().workers
    except OSError as e:
        raise EngineUnusable(f"The render workers do not start: {e.strerror}") from e
    if found != LIBVIPS:
        raise EngineUnusable(f"libvips {found[0]}.{found[1]} was found, not the wheel's {LIBVIPS[0]}.{LIBVIPS[1]}")
    limits = "" if platform.system() == "Linux" else "; without memory and time limits on this system"
    return f"libvips {found[0]}.{found[1]}.{pyvips.version(2)}, {workers} workers{limits}"
