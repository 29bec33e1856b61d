"""From confirm to ready of a 12 MP JPEG with clamd, beside the bare cost of the same work in one script.

The bare script opens the file, reads it once, computes the three digests, feeds clamd, and asks libvips for the header
facts after decoding it once (a truncated picture must not pass): one thing after the other in a warm process, no
database, no queue, no second process. Target: at most 1.3 x.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import statistics
import struct
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import google_crc32c

from longshore.core.file import FileState
from longshore.core.principal import Server
from longshore.core.sizes import MIB
from longshore.ports.storage import ObjectKey
from longshore.services.asking import NewUpload
from longshore.services.projects import NewProject
from longshore.services.uploads import Requested
from longshore.wiring.compose import Installation, installation
from longshore.wiring.foundation import foundation
from longshore.wiring.logging import configure
from longshore.wiring.serve import event_loop
from longshore.wiring.settings import load
from tests.corpus import photo_jpeg
from tests.servers.clamd import running_clamd
from tests.servers.longshore import clamd_settings

ROUNDS = 25
TARGET = 1.3


def main() -> None:
    with running_clamd() as clamd, tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(photo_jpeg(4000, 3000, 1))
        with asyncio.Runner(loop_factory=event_loop) as runner:
            ours, theirs = runner.run(_measured(Path(folder), photo, clamd.socket))
    print(f"   {statistics.median(ours) * 1000:8.1f} ms from confirm to ready (best {min(ours) * 1000:.1f})")
    print(f"   {statistics.median(theirs) * 1000:8.1f} ms for the bare work (best {min(theirs) * 1000:.1f})")
    print(f"   {statistics.median(ours) / statistics.median(theirs):8.2f} x   target at most {TARGET} x")


async def _measured(folder: Path, photo: Path, clamd: Path) -> tuple[list[float], list[float]]:
    settings = {"LONGSHORE_DATA_DIR": str(folder / "data"), "LONGSHORE_LOG__LEVEL": "error"}
    settings |= {f"LONGSHORE_{name}": value for name, value in clamd_settings(clamd).items()}
    ours: list[float] = []
    theirs: list[float] = []
    chosen = load(settings)
    configure(chosen.log)
    async with foundation(chosen) as base, installation(base, "http://127.0.0.1:1") as parts:
        working = asyncio.create_task(parts.worker.run())
        project, key = await base.projects.create(NewProject(name="bench"))
        server = Server(project=project, key_id=key.id)
        for n in range(ROUNDS):
            ours.append(await _ours(parts, server, photo))
            theirs.append(_bare(photo, clamd))
            if n == 0:  # the first warms caches and processes
                ours.clear()
                theirs.clear()
        parts.worker.stop()
        await working
    return ours, theirs


async def _ours(parts: Installation, server: Server, photo: Path) -> float:
    new = NewUpload(name="photo.jpg", type="image/jpeg", size=photo.stat().st_size)
    (requested,) = await parts.uploads.request(server, [new])
    assert isinstance(requested, Requested)
    upload = requested.upload
    await parts.objects.put(ObjectKey.incoming(upload.id), _pieces(photo), limit=upload.size_max)
    started = time.perf_counter()
    await parts.confirming.confirm(server, upload.id)
    async for status in parts.files.follow(upload.id):
        if status.file.state is not FileState.CHECKING:
            assert status.file.state is FileState.READY, status
            break
    took = time.perf_counter() - started
    await asyncio.sleep(0.15)  # the preview is made after publication: not part of this figure, nor beside the bare run
    return took


async def _pieces(photo: Path) -> AsyncIterator[bytes]:
    yield photo.read_bytes()


def _bare(photo: Path, clamd: Path) -> float:
    from longshore.adapters.vips.facts import inspect
    from longshore.core.imaging.limits import DEFAULT_LIMITS

    started = time.perf_counter()
    sha256, md5, crc32c = hashlib.sha256(), hashlib.md5(usedforsecurity=False), google_crc32c.Checksum()
    with photo.open("rb", buffering=0) as source, socket.socket(socket.AF_UNIX) as line:
        line.connect(str(clamd))
        line.sendall(b"zINSTREAM\0")
        while piece := source.read(MIB):
            for digest in (sha256, md5, crc32c):
                digest.update(piece)
            line.sendall(struct.pack("!I", len(piece)) + piece)
        line.sendall(bytes(4))
        assert line.recv(4096) == b"stream: OK\0"
        os.lseek(source.fileno(), 0, os.SEEK_SET)
        inspect(source.fileno(), DEFAULT_LIMITS)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
