"""A server that is killed in the middle of things, and comes back."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from longshore_client import LongshoreClient, Progress, Retries
from tests.servers.longshore import running_longshore

CONTENT = os.urandom(40_000_000)
PATIENT = Retries(attempts=12, first=0.25, longest=2.0)


@pytest.mark.slow
async def test_an_upload_outlives_its_server(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(CONTENT)
    there = asyncio.Event()

    def reached(progress: Progress) -> None:
        if progress.sent >= len(CONTENT) // 3:
            there.set()

    with running_longshore() as server:
        async with LongshoreClient(server.url, key=server.demo.secret_key, retries=PATIENT) as client:
            uploading = asyncio.create_task(client.upload(path, on_progress=reached))
            await there.wait()
            await asyncio.to_thread(server.process.kill)
            await asyncio.to_thread(server.process.start)
            file = await uploading

            assert file.digests is not None
            assert file.digests.sha256 == hashlib.sha256(CONTENT).hexdigest()
            assert (await client.file(file.id)).is_ready
