"""The peers as servers on loopback, with the settings that their documentation recommends. Each ends with its block."""

from __future__ import annotations

import contextlib
import os
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.peers import install
from tests.servers.process import ServerProcess, free_port, is_listening, short_folder

QUALITY = 80


class Addressed(Protocol):
    """A server that makes pictures of files. `fmt` is jpeg, webp or avif; sizes in pixels, the picture fits in them."""

    name: str

    def url(self, source: str, fmt: str, width: int, height: int, quality: int) -> str: ...


@dataclass
class Sharp:
    """`efforts`: what sharp is told instead of its default, by format."""

    name: str
    port: int
    efforts: dict[str, int]

    def url(self, source: str, fmt: str, width: int, height: int, quality: int) -> str:
        effort = self.efforts.get(fmt, "-")
        return f"http://127.0.0.1:{self.port}/{width}x{height}/{fmt}/{quality}/{effort}/{source}"


@dataclass
class Thumbor:
    name: str
    port: int

    def url(self, source: str, fmt: str, width: int, height: int, quality: int) -> str:
        filters = f"filters:format({fmt}):quality({quality})"
        return f"http://127.0.0.1:{self.port}/unsafe/fit-in/{width}x{height}/{filters}/{source}"


@contextlib.contextmanager
def running_sharp(root: Path) -> Iterator[list[Sharp]]:
    """One server under two names: with sharp's own efforts, and with ours. Raises PeerMissing."""
    place, library, port = install.sharp(), install.jemalloc(), free_port()
    with short_folder("sharp") as folder:
        # Four threads, libuv's default, keep two cores busy also while files are read.
        command = ["/usr/bin/env", f"LD_PRELOAD={library}", "NODE_ENV=production", "node"]
        process = ServerProcess(
            [*command, str(place / "sharp.mjs"), str(port), str(root)],
            folder=folder,
            is_ready=lambda: is_listening(port),
        )
        process.start()
        try:
            yield [
                Sharp("sharp", port, {}),
                Sharp("sharp, our efforts", port, {"webp": 2, "avif": 0}),
            ]
        finally:
            process.stop()


@contextlib.contextmanager
def running_thumbor(root: Path) -> Iterator[Thumbor]:
    """Two processes, as many as cores; files from a folder; nothing stored. Raises PeerMissing."""
    python, port = install.thumbor(), free_port()
    with short_folder("thumbor") as folder:
        config = folder / "thumbor.conf"
        config.write_text(
            textwrap.dedent(f"""
                LOADER = "thumbor.loaders.file_loader"
                FILE_LOADER_ROOT_PATH = "{root}"
                STORAGE = "thumbor.storages.no_storage"
                RESULT_STORAGE = None
                ALLOW_UNSAFE_URL = True
                MAX_PIXELS = 100_000_000
                AUTO_WEBP = False
            """)
        )
        process = ServerProcess(
            [
                *("/usr/bin/env", "-u", "PYTHONPATH", str(python), "-m", "thumbor.server"),
                *("--port", str(port), "--ip", "127.0.0.1", "--conf", str(config), "--log-level", "error"),
                *("--processes", str(len(os.sched_getaffinity(0)))),
            ],
            folder=folder,
            is_ready=lambda: is_listening(port),
        )
        process.start()
        try:
            yield Thumbor("thumbor", port)
        finally:
            process.kill()  # with its children
