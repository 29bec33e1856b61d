"""The image engine beside bare pyvips, sharp, thumbor and ImageMagick: `python -m benchmarks engine`.

Each part also runs alone, `python -m benchmarks.engine.PART`: `lookup` (from a path to a result in memory), `cold` (the
pool beside the bare calls), `http` (cold renders over HTTP beside peers), `magick` (a whole job), `deadline` (a worker
that is stopped), `memory`. Peers are installed at the first run (`benchmarks/peers/install.py`); what cannot be had is
left out.
"""

from __future__ import annotations

import subprocess
import sys
import time

PARTS = ("lookup", "cold", "http", "magick", "deadline", "memory")


def main() -> int:
    for part in PARTS:
        began = time.perf_counter()
        # a process each: what one leaves behind is not measured by the next
        subprocess.run([sys.executable, "-m", f"benchmarks.engine.{part}"], check=False)
        print(f"   ({part}: {time.perf_counter() - began:.0f} s)\n", flush=True)
    return 0
