"""A large file goes through a small process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from clients.python.tests.fake import KEY, FakeLongshore

SIZE = 300 * 1024 * 1024
PROGRAM = """
import asyncio, resource, sys
from longshore_client import LongshoreClient

def peak():  # KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

async def stream(path):
    with open(path, "rb") as file:
        while piece := file.read(65536):
            yield piece

async def main(origin, key, path, form):
    async with LongshoreClient(origin, key=key) as client:
        await client.upload(bytes(100_000))
        before = peak()
        file = await client.upload(path if form == "path" else stream(path))
        assert file.size == int(sys.argv[5]), file
        print(peak() - before)

asyncio.run(main(*sys.argv[1:5]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["path", "stream"])
async def test_300_megabytes_need_less_than_20(server: FakeLongshore, tmp_path: Path, form: str) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(SIZE)

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, server.origin, KEY, str(path), form, str(SIZE)), stdout=subprocess.PIPE
    )
    printed, _ = await process.communicate()

    assert process.returncode == 0
    assert int(printed) < 20 * 1024
