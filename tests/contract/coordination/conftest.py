"""Every adapter that claims `ports.coordination`. Redis will be one more entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from longshore.adapters.local.limiter import LocalRateLimiter
from longshore.adapters.local.progress import LocalProgressChannel
from longshore.adapters.local.singleflight import LocalSingleFlight
from longshore.adapters.local.wakeup import LocalWakeUp
from longshore.ports.coordination import ProgressChannel, RateLimiter, SingleFlight, WakeUp


@dataclass
class Coordination:
    """`single_flight()` gives one more member of the installation each time, as if in another process."""

    wake_up: WakeUp
    progress: ProgressChannel
    limiter: RateLimiter
    single_flight: Callable[[], SingleFlight]


@pytest.fixture(params=["local"])
def coordination(tmp_path: Path) -> Coordination:
    return Coordination(
        wake_up=LocalWakeUp(),
        progress=LocalProgressChannel(),
        limiter=LocalRateLimiter(),
        single_flight=lambda: LocalSingleFlight(tmp_path / "locks"),
    )
