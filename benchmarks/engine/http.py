"""Cold renders over HTTP, concurrency 8, beside sharp and thumbor on the same files, and beside a bare pyvips loop.

Every request asks for another size (760 to 840 pixels wide) of one of a dozen copies, so that nothing is ever cached.
Servers take turns within each round, and start only when the one before has nothing left to do; medians over rounds are
printed, of rates and of the ratios within a round. Each peer's quality is chosen first so that its
SSIM is the nearest to ours. Longshore runs twice: making everything from originals, and with mezzanines made.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.engine.likeness import ssim
from benchmarks.load import rate_over
from benchmarks.peers.install import PeerMissing
from benchmarks.peers.servers import QUALITY, Addressed, running_sharp, running_thumbor
from longshore_client import Client
from tests.corpus import photo_jpeg
from tests.servers.longshore import Longshore, running_longshore

Rates = dict[tuple[str, str, str], list[float]]
"""By server, source and format; a value for each round."""

FORMATS = ("jpeg", "webp", "avif")
COPIES, WIDTHS = 12, range(760, 841)
CONCURRENCY = 8
ROUNDS, SECONDS = 2, 2
BARE, ORIGINALS, MEZZANINES = "bare pyvips", "longshore", "longshore, mezzanine"
_SOURCES = {"12 MP": (4000, 3000), "2 MP": (1632, 1224)}


@dataclass
class Ours:
    """A running Longshore; `ids` are the copies of each source."""

    name: str
    server: Longshore
    ids: dict[str, list[str]] = field(default_factory=dict)

    def url(self, source: str, fmt: str, width: int, height: int, quality: int) -> str:
        name, _, copy = source.partition(".")[0].rpartition("-")
        file_id = self.ids[name][int(copy)]
        return f"{self.server.url}/{file_id}/-/preview/{width}x{height}/-/format/{fmt}/"


@dataclass(frozen=True)
class Result:
    quality: int
    size: int
    likeness: float


def main() -> bool:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="longshore-bench-")))
        files = pictures(folder)
        ours = [stack.enter_context(longshore(ORIGINALS, files, mezzanine=False))]
        servers: list[Addressed] = [*ours]
        with contextlib.suppress(PeerMissing):
            servers += stack.enter_context(running_sharp(folder))
        with contextlib.suppress(PeerMissing):
            servers.append(stack.enter_context(running_thumbor(folder)))
        results = _equal_results(servers, folder)
        servers.insert(1, stack.enter_context(longshore(MEZZANINES, files, mezzanine=True)))
        rates = _rates(servers, folder, results)
    return _print(servers, results, rates)


def pictures(folder: Path) -> dict[str, list[Path]]:
    pictures: dict[str, list[Path]] = {}
    for name, (width, height) in _SOURCES.items():
        content = photo_jpeg(width, height, 1)
        label = name.replace(" ", "")
        pictures[label] = [folder / f"{label}-{copy}.jpg" for copy in range(COPIES)]
        for path in pictures[label]:
            path.write_bytes(content)
    return pictures


@contextlib.contextmanager
def longshore(name: str, pictures: Mapping[str, list[Path]], *, mezzanine: bool) -> Iterator[Ours]:
    with running_longshore({"DERIVED__MEZZANINE": str(mezzanine).lower(), "LOG__LEVEL": "warning"}) as server:
        ours = Ours(name, server)
        with Client(server.url, key=server.demo.secret_key) as client:
            for label, paths in pictures.items():
                ours.ids[label] = [str(client.upload(path).id) for path in paths]
        if mezzanine:
            _make_mezzanines(ours)
        yield ours


def _make_mezzanines(ours: Ours) -> None:
    ids = ours.ids["12MP"]
    for file_id in ids:
        for side in (100, 101, 102):
            get(f"{ours.server.url}/{file_id}/-/preview/{side}x{side}/")
    deadline = time.monotonic() + 60
    for file_id in ids:
        while not any(ours.server.data.glob(f"derived/*/{file_id}/*.2048x1536.*")):
            if time.monotonic() > deadline:
                raise RuntimeError("the mezzanines were not made")
            time.sleep(0.05)


def get(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def _equal_results(servers: list[Addressed], folder: Path) -> dict[tuple[str, str], Result]:
    """By server and format: the quality at which it is as like the original as ours, and what comes out."""
    source = folder / "12MP-0.jpg"
    found: dict[tuple[str, str], Result] = {}
    for fmt in FORMATS:
        content = get(servers[0].url(source.name, fmt, 800, 600, 0))
        target = found[servers[0].name, fmt] = Result(0, len(content), ssim(source, content))
        for server in servers[1:]:
            low, high = 20, 98
            tried: list[Result] = []
            while low <= high:
                quality = (low + high) // 2
                content = get(server.url(source.name, fmt, 800, 600, quality))
                tried.append(Result(quality, len(content), ssim(source, content)))
                low, high = (quality + 1, high) if tried[-1].likeness < target.likeness else (low, quality - 1)
            found[server.name, fmt] = min(tried, key=lambda one: abs(one.likeness - target.likeness))
    return found


def _rates(servers: list[Addressed], folder: Path, results: Mapping[tuple[str, str], Result]) -> Rates:
    """Renders a second by server, source and format, in each round."""
    cells = [(label, fmt) for label in ("12MP", "2MP") for fmt in FORMATS]
    measured: Rates = {}
    asked: dict[tuple[str, str, str], int] = {}
    for turn in range(ROUNDS):
        for label, fmt in cells:
            key = (BARE, label, fmt)
            measured.setdefault(key, []).append(_bare_rate(folder, label, fmt))
            for server in servers:
                key = (server.name, label, fmt)
                if server.name == MEZZANINES and label == "2MP":
                    continue
                # A second and a half a picture: none might be done in so short a look.
                is_slow = fmt == "avif" and server.name == "sharp"
                if is_slow and turn:
                    continue
                quality = results[server.name, fmt].quality if (server.name, fmt) in results else 0
                first = asked.get(key, 0)
                urls = [_cold(server, label, fmt, quality, first + i) for i in range(COPIES * len(WIDTHS))]
                rate = (
                    _rate_of(urls[:CONCURRENCY])
                    if is_slow
                    else rate_over(urls, seconds=SECONDS, connections=CONCURRENCY)
                )
                _settle(server, turn)
                asked[key] = first + int(rate * SECONDS) + 2 * CONCURRENCY
                measured.setdefault(key, []).append(rate)
    return measured


def _settle(server: Addressed, turn: int) -> None:
    """Wait until what was asked for last and nobody waits for any more is done: queues are first in, first out."""
    for number in range(CONCURRENCY):
        get(server.url("2MP-0.jpg", "jpeg", 60 + number, 60 + turn, QUALITY))


def _rate_of(urls: list[str]) -> float:
    """Of so many requests at once, until the last is answered."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(urls)) as pool:
        list(pool.map(get, urls))
    return len(urls) / (time.perf_counter() - began)


def _cold(server: Addressed, label: str, fmt: str, quality: int, number: int) -> str:
    """Widths spread evenly, so that a short look sees the mean of them."""
    copy, step = number % COPIES, number // COPIES
    width = WIDTHS[step * 31 % len(WIDTHS)]
    return server.url(f"{label}-{copy}.jpg", fmt, width, width * 3 // 4, quality)


def _bare_rate(folder: Path, label: str, fmt: str) -> float:
    """Two processes that do nothing but the pyvips calls, writing into files."""
    command = [sys.executable, "-m", "benchmarks.engine.bare", "--for", str(SECONDS)]
    running = [
        subprocess.Popen(
            [*command, str(folder / f"{label}-{copy}.jpg"), str(folder / f"bare-{copy}"), fmt],
            stdout=subprocess.PIPE,
            text=True,
        )
        for copy in range(2)
    ]
    return sum(float(process.communicate()[0]) for process in running)


def _print(
    servers: list[Addressed],
    results: Mapping[tuple[str, str], Result],
    rounds: Rates,
) -> bool:
    rates = {key: statistics.median(values) for key, values in rounds.items()}
    print("800x600 from 12 MP: bytes, SSIM (quality asked for)")
    for server in servers:
        cells = [results.get((server.name, fmt)) for fmt in FORMATS]
        if all(cells):
            row = "   ".join(f"{one.size:7d} {one.likeness:.4f} ({one.quality:2d})" for one in cells if one)
            print(f"  {server.name:22s} {row}")
    header = "   ".join(f"{label} {fmt:4s}" for label in ("12MP", "2MP") for fmt in FORMATS)
    print(f"renders a second over HTTP, concurrency {CONCURRENCY}, medians of {ROUNDS} rounds\n  {'':22s} {header}")
    names = [BARE, *(server.name for server in servers)]
    for name in names:
        row = "   ".join(
            f"{rates[name, label, fmt]:9.1f}" if (name, label, fmt) in rates else " " * 9
            for label in ("12MP", "2MP")
            for fmt in FORMATS
        )
        print(f"  {name:22s} {row}")
    fine = True

    def judge(name: str, other: str, target: float, label: str = "12MP") -> None:
        nonlocal fine
        for fmt in FORMATS:
            if (other, label, fmt) in rates:
                ratio = _ratio(rounds, name, other, label, fmt)
                fine &= ratio >= target
                print(f"  {name} / {other}, {label} {fmt}: {ratio:.2f} x   target {target} {_word(ratio >= target)}")

    for label in ("12MP", "2MP"):
        judge(ORIGINALS, BARE, 0.9, label)
        for name in names[3:]:
            judge(ORIGINALS, name, 1.0, label)
    for name in names[3:]:
        judge(MEZZANINES, name, 2.0)
    webp, avif = results[ORIGINALS, "webp"], results[ORIGINALS, "avif"]
    slower = statistics.median(
        one / other
        for one, other in zip(rounds[ORIGINALS, "12MP", "webp"], rounds[ORIGINALS, "12MP", "avif"], strict=True)
    )
    fine &= slower <= 1.2
    print(f"  time of an AVIF / of a WebP: {slower:.2f} x   target at most 1.2 {_word(slower <= 1.2)}", end="")
    print(f"; bytes {avif.size} / {webp.size}, SSIM {avif.likeness:.4f} / {webp.likeness:.4f}")
    if ("sharp", "12MP", "avif") in rates:
        faster = _ratio(rounds, ORIGINALS, "sharp", "12MP", "avif")
        fine &= faster >= 10
        print(f"  AVIF beside sharp's default: {faster:.1f} x   target 10 {_word(faster >= 10)}")
    return fine


def _ratio(rounds: Rates, name: str, other: str, label: str, fmt: str) -> float:
    ours, theirs = rounds[name, label, fmt], rounds[other, label, fmt]
    if not all(theirs):
        return math.nan  # too busy a machine: nothing was answered in time, which says nothing
    return statistics.median(one / two for one, two in zip(ours, theirs, strict=False))


def _word(is_fine: bool) -> str:
    return "yes" if is_fine else "NO"


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
