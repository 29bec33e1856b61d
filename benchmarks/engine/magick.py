"""The whole job, a stored 12 MP file to an 800x600 JPEG, beside ImageMagick 6; and the resize step alone.

Ours is timed over HTTP by a client that waits for each answer, with and without a mezzanine; ImageMagick is its
`convert`, whose start (some milliseconds) is in its time. Its threads are left as they come (two cores).
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.engine.http import MEZZANINES, ORIGINALS, WIDTHS, Ours, get, longshore, pictures
from benchmarks.peers.install import PeerMissing, magick

ROUNDS = 5
TARGET = 15.0

_RESIZE = """
    import sys, time, pyvips
    image = pyvips.Image.new_from_file(sys.argv[1]).copy_memory()
    times = []
    for _ in range(int(sys.argv[2])):
        began = time.perf_counter()
        image.resize(800 / image.width, kernel="lanczos3").copy_memory()
        times.append(time.perf_counter() - began)
    print(sorted(times)[len(times) // 2])
"""


def main() -> bool:
    try:
        environment = magick()
    except PeerMissing as missing:
        print(f"  no ImageMagick to compare with: {missing}")
        return True
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="longshore-bench-")))
        files = {"12MP": pictures(folder)["12MP"][:1]}
        servers = [
            stack.enter_context(longshore(ORIGINALS, files, mezzanine=False)),
            stack.enter_context(longshore(MEZZANINES, files, mezzanine=True)),
        ]
        return _compare(folder / "12MP-0.jpg", servers, environment)


def _compare(source: Path, servers: list[Ours], environment: Mapping[str, str]) -> bool:
    target = source.with_name("magick.jpg")
    ways = {
        "as the manual says": ["-resize", "800x600", "-quality", "80"],
        "one thread": ["-limit", "thread", "1", "-resize", "800x600", "-quality", "80"],
        "with its hint for JPEG": ["-resize", "800x600", "-quality", "80"],
    }
    times: dict[str, list[float]] = {name: [] for name in (*ways, ORIGINALS, MEZZANINES)}
    for turn in range(ROUNDS):
        for name, arguments in ways.items():
            hint = ["-define", "jpeg:size=1600x1200"] if "hint" in name else []
            command = [environment["MAGICK"], *hint, str(source), *arguments, str(target)]
            times[name].append(_run(command, environment))
        for server in servers:
            for width in (WIDTHS[turn], WIDTHS[-1 - turn]):
                url = server.url("12MP-0.jpg", "jpeg", width, width * 3 // 4, 0)
                began = time.perf_counter()
                get(url)
                times[server.name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print("whole job, 12 MP JPEG to an 800x600 JPEG, ms:")
    for name, seconds in medians.items():
        print(f"  {name if name in (ORIGINALS, MEZZANINES) else f'ImageMagick 6, {name}':38s} {seconds * 1e3:8.1f}")
    best = 0.0
    for ours in (ORIGINALS, MEZZANINES):
        ratios = {name: medians[name] / medians[ours] for name in ways}
        best = max(best, ratios["as the manual says"])
        row = ", ".join(f"{ratio:.1f} x {name}" for name, ratio in ratios.items())
        print(f"  {ours} is faster by: {row}")
    print(f"  stored file, as the manual says: {best:.1f} x   target {TARGET} {'yes' if best >= TARGET else 'NO'}")
    _resize_alone(source, environment)
    return best >= TARGET


def _resize_alone(source: Path, environment: Mapping[str, str]) -> None:
    """From pixels in memory to pixels in memory; ImageMagick's by the difference between many and one, one thread."""
    cache = source.with_name("pixels.mpc")
    program = environment["MAGICK"]
    _run([program, str(source), str(cache)], environment)
    many = 4
    scaled = ["(", "-clone", "0", "-resize", "800x600", "-write", "null:", "+delete", ")"]
    theirs: list[float] = []
    ours: list[float] = []
    for _ in range(3):
        idle = _run([program, "-limit", "thread", "1", str(cache), "null:"], environment)
        busy = _run([program, "-limit", "thread", "1", str(cache), *(scaled * many), "null:"], environment)
        theirs.append((busy - idle) / many)
        command = [sys.executable, "-c", textwrap.dedent(_RESIZE), str(source), "5"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={"VIPS_CONCURRENCY": "1", "PATH": "/usr/bin:/bin"}
        )
        ours.append(float(done.stdout))
    one, other = statistics.median(ours), statistics.median(theirs)
    print(
        f"resize step alone, 12 MP to 800x600, Lanczos, one thread, ms: libvips {one * 1e3:.1f}, "
        f"ImageMagick {other * 1e3:.1f}: {other / one:.1f} x"
    )


def _run(command: list[str], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
