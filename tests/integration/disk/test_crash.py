"""SIGKILL at random moments: a file is whole or absent, and what was acknowledged is there."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from longshore.adapters.disk.objects import DiskObjectStore
from longshore.core.sizes import KIB, MIB
from longshore.ports.storage import Bucket
from tests.integration.disk.conftest import ROOT

# Writes, seals and replaces without end; says on stdout what was acknowledged. Content follows from the key.
WRITER = """
import asyncio, errno, hashlib, sys
from pathlib import Path
from uuid import uuid4
from longshore.adapters.disk import pending
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.ports.storage import ObjectKey

if sys.argv[2] == "named":
    def refuse(folder):
        raise OSError(errno.EOPNOTSUPP, "as on a file system without O_TMPFILE")
    pending._open_nameless = refuse

def content(name, size):
    return hashlib.shake_128(name.encode()).digest(1024) * (size // 1024)

async def work(store, size, once):
    while True:
        key = ObjectKey.incoming(uuid4())
        async def body():
            whole = content(key.name, size)
            for n in range(0, size, size // 4):
                yield whole[n : n + size // 4]
                await asyncio.sleep(0)
        await store.write(key, body(), once=once)
        print("put", key.name, size, flush=True)
        if not once:
            await store.write(key, body(), once=once)
        sealed = ObjectKey.sealed(key.name, "s")
        print("sealing", key.name, size, flush=True)
        await store.seal(key, sealed)
        print("sealed", key.name, size, flush=True)

async def main():
    store = DiskObjectStore(Path(sys.argv[1]))
    print("ready", flush=True)
    sizes = [4096, 65536, 1 << 20, 8 << 20]
    await asyncio.gather(*(work(store, size, once) for size in sizes for once in (True, False)))

asyncio.run(main())
"""


def killed(folder: Path, way: str, after: float) -> list[tuple[str, str, int]]:
    """What a writer said until it was killed `after` seconds of work."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), way], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert writer.stdout
    try:
        assert writer.stdout.readline() == "ready\n"
        time.sleep(after)
    finally:
        writer.kill()
        said = writer.communicate()[0]
    lines = [line.split() for line in said.split("\n")[:-1]]  # the last may be cut
    return [(word, name, int(size)) for word, name, size in lines]


def content(name: str, size: int) -> bytes:
    return hashlib.shake_128(name.encode()).digest(1024) * (size // 1024)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("way", ["nameless", "named"])
async def test_a_killed_writer_leaves_whole_files_or_none(tmp_path: Path, way: str) -> None:
    seed = int(os.environ.get("LONGSHORE_SEED", "2"))
    moments = random.Random(seed)
    acknowledged = 0
    for round_ in range(int(os.environ.get("LONGSHORE_ROUNDS", "6"))):
        folder = tmp_path / f"{round_}"
        said = killed(folder, way, moments.uniform(0.02, 0.6))
        acknowledged += len(said)
        await audit(folder, said, f"seed {seed}, round {round_}")
    assert acknowledged > 20


async def audit(folder: Path, said: list[tuple[str, str, int]], when: str) -> None:
    store = DiskObjectStore(folder, sealed_for=timedelta(0))
    last = {name: (word, size) for word, name, size in said}
    for name, (word, size) in last.items():
        incoming = folder / "incoming" / name[:2] / name
        sealed = folder / "files" / name[:2] / f"{name}~s"
        places = {"put": [incoming], "sealing": [incoming, sealed], "sealed": [sealed]}[word]
        found = [path for path in (incoming, sealed) if path.exists()]
        assert len(found) == 1, f"{when}: {name} was {word} and is {found}"
        assert found[0] in places or word == "put", f"{when}: {name} was {word} and is {found}"
        assert found[0].read_bytes() == content(name, size), f"{when}: {name} differs"
    for path in [*folder.glob("incoming/??/*"), *folder.glob("files/??/*")]:
        name = path.name.partition("~")[0]
        if path.suffix:
            assert path.suffix == ".sealed"
            assert path.stat().st_size == 0
        else:
            assert path.stat().st_size in (4 * KIB, 64 * KIB, MIB, 8 * MIB), f"{when}: {path} is not whole"
            assert path.read_bytes() == content(name, path.stat().st_size), f"{when}: {path} differs"
    # Everything else that is left can be found by its key and swept.
    later = datetime.now(UTC) + timedelta(seconds=5)
    for bucket in Bucket:
        for key in [key async for key in store.list(bucket, older_than=later)]:
            await store.delete(key)
    assert [path for path in folder.rglob("*") if path.is_file()] == [], when
    store.close()
