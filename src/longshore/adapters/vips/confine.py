"""What a worker gives up before it reads its first byte: memory, processor time, file size, life after its parent.

Other systems than Linux have fewer of these limits; what is missing there is left out. Imports no codec.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_DESCRIPTORS = 64


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent (a pid) ends; end at once if it already has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def limit(*, memory: int, result_size: int) -> None:
    """Set this process's limits for good; sizes in bytes."""
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, result_size),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(what, (most, most))
    with contextlib.suppress(OSError):  # when memory runs out, a worker goes before anything else
        Path("/proc/self/oom_score_adj").write_text("900")


def allow(seconds: float) -> None:
    """Let this process work so long from now. It is the front that kills at the deadline; this is for the case that
    the front is stuck: one second later a timer, two seconds later the limit of processor time."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(usage.ru_utime + usage.ru_stime + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def rest() -> None:
    """The job is over: stop the timer of `allow`."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def peak() -> int:
    """The most memory this process has held, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
