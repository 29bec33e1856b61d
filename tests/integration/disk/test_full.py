"""A full disk is said to be one, and costs nothing that was there.

Twice: a real file system of 4 MB in a mount namespace of its own, and a limit on the size of files, which needs no
privilege. Neither announces the size beforehand, so that the disk itself has to refuse.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from longshore.core.sizes import MIB
from tests.integration.disk.conftest import ROOT, Answer, Server, answer, head, put_head, until
from tests.integration.disk.test_storage_http import BOUNDARY, parts
from tests.servers.process import ServerProcess, free_port, is_listening

NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
MOUNT = 'mount -t tmpfs -o size=4m,mode=700 tmpfs "$0" && exec "$@"'


def small_disk(command: list[str], folder: Path) -> list[str]:
    """`command`, for which `folder` is a file system of 4 MB that vanishes with it."""
    return [*NAMESPACE, "sh", "-c", MOUNT, str(folder), *command]


@contextlib.contextmanager
def on_a_small_disk(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(small_disk(["true"], folder), capture_output=True).returncode:
        pytest.skip("this machine allows no mount namespaces; the limit on file sizes covers the rest")
    port = free_port()
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    server = [sys.executable, "-m", "tests.integration.disk.server", str(folder), str(port)]
    process = ServerProcess(
        ["/usr/bin/env", f"PYTHONPATH={path}", *small_disk(server, folder)],
        folder=tmp_path,
        is_ready=lambda: is_listening(port),
    )
    process.start()
    try:
        yield Server(Path(f"/proc/{process.pid}/root{folder}"), port, process)
    finally:
        process.kill()


@pytest.fixture(params=["disk of 4 MB", "files of 4 MB"])
def full(request: pytest.FixtureRequest, tmp_path: Path, started: Callable[..., Server]) -> Iterator[Server]:
    if request.param == "files of 4 MB":
        yield started(tmp_path / "objects", str(4 * MIB))
    else:
        with on_a_small_disk(tmp_path) as server:
            yield server


def put(server: Server, content: bytes) -> Answer:
    """Chunked, so that nothing is announced."""
    with server.line() as line:
        line.sendall(put_head(server.put(), Transfer_Encoding="chunked"))
        with contextlib.suppress(ConnectionError):
            line.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content))
        return answer(line)


def post(server: Server, content: bytes) -> Answer:
    body = parts(server.post().fields.items(), content)
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    with server.line() as line:
        line.sendall(head("POST", "/storage/", Content_Type=kind, Content_Length=len(body)))
        with contextlib.suppress(ConnectionError):
            line.sendall(body)
        return answer(line)


@pytest.mark.parametrize("send", [put, post])
def test_a_full_disk_answers_507_and_keeps_nothing(full: Server, send: Callable[[Server, bytes], Answer]) -> None:
    kept = os.urandom(MIB)
    assert send(full, kept).status in (200, 204)

    got = send(full, bytes(8 * MIB))

    assert got.status == 507
    assert int(got.headers["retry-after"]) > 0
    assert b"storage-full" in got.body
    assert until(lambda: list(full.stored().values()) == [kept])
    assert send(full, kept).status in (200, 204), "what still fits is still taken"


DERIVE = """
import asyncio, os, resource, sys
from pathlib import Path
from uuid import uuid4
from longshore.adapters.disk.derived import DiskDerivedStore
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.core.errors import StorageFull
from longshore.ports.storage import ObjectKey

async def main():
    folder = Path(sys.argv[1])
    store = DiskDerivedStore(folder / "derived")
    file = uuid4()
    async with store.draft(file, "a" * 64) as draft:
        os.write(draft.fd, b"x" * 1000)
        await draft.commit(content_type="image/webp", width=1, height=1)
    (folder / "filler").write_bytes(b"")
    with open(folder / "filler", "wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            pass
    objects = DiskObjectStore(folder / "objects")
    async def body():
        yield bytes(100_000)
    try:
        await objects.put(ObjectKey.incoming(uuid4()), body(), limit=100_000)
    except StorageFull as problem:
        assert problem.retry_after
    else:
        raise AssertionError("there was room")
    assert (await store.get(file, "a" * 64)).body == b"x" * 1000
    (folder / "filler").unlink()
    await objects.put(ObjectKey.incoming(uuid4()), body(), limit=100_000)
    print("done")

asyncio.run(main())
"""


async def test_room_that_comes_back_is_used(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(small_disk(["true"], folder), capture_output=True).returncode:
        pytest.skip("this machine allows no mount namespaces")
    process = await asyncio.create_subprocess_exec(
        *small_disk([sys.executable, "-c", DERIVE, str(folder)], folder),
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out == b"done\n"
