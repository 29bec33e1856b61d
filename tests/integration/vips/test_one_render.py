"""Two processes that serve one folder: fifty misses at once cost one render."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ASKS = """
import asyncio, os, sys
from pathlib import Path
from uuid import UUID

from longshore.adapters.disk.derived import DiskDerivedStore
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.adapters.local.singleflight import LocalSingleFlight
from longshore.core.file import File, FileState
from longshore.core.ids import FileId, ProjectId
from longshore.core.imaging.negotiate import AcceptClass
from longshore.core.kind import Visibility
from longshore.core.media import ImageFacts
from longshore.core.time import SystemClock
from longshore.core.upload import Purpose
from longshore.ports.rendering import Rendered
from longshore.ports.storage import ObjectKey
from longshore.services.delivery import Delivery


class Slow:
    async def render(self, plan, source, target, **_):
        with open(sys.argv[2], "a") as count:
            count.write("1")
        await asyncio.sleep(0.3)
        os.write(target, b"pixels" * 1000)
        return Rendered(content_type="image/jpeg", width=plan.width, height=plan.height, size=6000)


async def main():
    root, clock = Path(sys.argv[1]), SystemClock()
    objects, derived = DiskObjectStore(root / "objects"), DiskDerivedStore(root / "derived")
    file = File(
        id=FileId(UUID(int=7)),
        project_id=ProjectId(1),
        state=FileState.READY,
        name="a.jpg",
        declared_type="image/jpeg",
        size=3,
        seal="seal",
        purpose=Purpose(),
        visibility=Visibility.PUBLIC,
        read_token_hash="",
        uploaded_at=clock.now(),
        image=ImageFacts(format="JPEG", width=4000, height=3000, color_mode="RGB"),
    )

    async def body():
        yield b"abc"

    await objects.put(ObjectKey.sealed(file.id, file.seal), body(), limit=3)
    delivery = Delivery(
        objects=objects, derived=derived, renderer=Slow(), single=LocalSingleFlight(root / "locks"), clock=clock
    )
    wanted = delivery.wanted(file, "-/preview/800x600/", AcceptClass.OTHER)
    print("ready", flush=True)
    sys.stdin.readline()
    results = await asyncio.gather(*(delivery.result(file, wanted) for _ in range(25)))
    bodies = {Path(result.path).read_bytes() for result in results}
    print(bodies == {b"pixels" * 1000}, {result.etag for result in results})
    objects.close()
    derived.close()


asyncio.run(main())
"""


def test_fifty_misses_in_two_processes_cost_one_render(tmp_path: Path) -> None:
    count = tmp_path / "count"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _ASKS, str(tmp_path / "served"), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = [process.communicate("go\n", timeout=30)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    assert count.read_text() == "1"
    assert said[0].startswith("True {'")
    assert said[0] == said[1]
