"""1 GiB by a signed PUT, fsynced, against nginx writing the same body to a file that is then fsynced.

    python -m benchmarks.put            prints times, the ratio (nginx / ours: higher is better, 0.5 is demanded)
                                        and how much the front process grew

Both take the bytes from the same sender, alternately, onto the same disk.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from longshore.adapters.disk.links import DiskLinkSigner
from longshore.core.ids import FileId
from longshore.core.sizes import GIB, MIB
from longshore.ports.storage import Constraints, ObjectKey
from tests.servers.nginx import running_nginx
from tests.servers.process import free_port, is_listening

KEY = b"benchmark".ljust(32, b".")
SIZE = GIB
ROUNDS = 5
TARGET = 0.5

# `return` alone would throw the body away unread; a proxied request has to have it, and names its file.
NGINX = """
  server {
    listen 127.0.0.1:@PORT@;
    client_max_body_size 0;
    client_body_in_file_only on;
    location / {
      proxy_pass http://127.0.0.1:@PORT@/done;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }
    location = /done { return 200; }
  }
"""


def send(port: int, target: str, headers: dict[str, str], size: int) -> str:
    """PUT `size` bytes over a socket of its own; the status line."""
    piece = os.urandom(MIB)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=120) as line:
        line.sendall(f"PUT {target} HTTP/1.1\r\nHost: bench\r\nContent-Length: {size}\r\n{lines}\r\n".encode())
        for _ in range(size // MIB):
            line.sendall(piece)
        return line.recv(65536).decode().partition("\r\n")[0]


def memory(pid: int, field: str) -> int:
    """`VmRSS` or `VmHWM` (its peak) in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(field))


@contextlib.contextmanager
def running_longshore(root: Path) -> Iterator[tuple[int, int]]:
    """Port and process id."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.put", "serve", str(root), str(port)])
    try:
        while not is_listening(port):
            assert process.poll() is None, "the server did not start"
            time.sleep(0.02)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def put_longshore(port: int, root: Path) -> float:
    constraints = Constraints(
        content_type="video/mp4", size_min=SIZE, size_max=SIZE, expires_at=datetime.now(UTC) + timedelta(hours=1)
    )
    request = DiskLinkSigner("http://bench", KEY).put(ObjectKey.incoming(FileId(uuid4())), constraints)
    start = time.perf_counter()
    status = send(port, request.url.removeprefix("http://bench"), dict(request.headers), SIZE)
    took = time.perf_counter() - start
    assert " 200 " in status, status
    [stored] = [path for path in (root / "incoming").rglob("*") if path.is_file()]
    assert stored.stat().st_size == SIZE
    stored.unlink()
    return took


def put_nginx(port: int, bodies: Path) -> float:
    start = time.perf_counter()
    status = send(port, "/", {"Content-Type": "video/mp4"}, SIZE)
    [body] = list(bodies.iterdir())
    with body.open("rb") as file:
        os.fsync(file.fileno())
    took = time.perf_counter() - start
    assert " 200 " in status, status
    assert body.stat().st_size == SIZE
    body.unlink()
    return took


def main() -> float:
    with (
        tempfile.TemporaryDirectory(prefix="ls-put-") as folder,
        running_nginx(NGINX) as nginx,  # it, too, works below /tmp
        running_longshore(Path(folder)) as (port, pid),
    ):
        root, bodies = Path(folder), nginx.folder / "tmp" / "body"
        put_longshore(port, root)  # the first ones allocate and warm up
        put_nginx(nginx.port, bodies)
        before = memory(pid, "VmRSS")
        theirs: list[float] = []
        ours: list[float] = []
        for _ in range(ROUNDS):
            theirs.append(put_nginx(nginx.port, bodies))
            ours.append(put_longshore(port, root))
        ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
        growth = memory(pid, "VmHWM") - before
    print(
        f"1 GiB signed PUT, fsynced: {statistics.median(ours):.2f} s;"
        f" nginx and fsync: {statistics.median(theirs):.2f} s;"
        f" ratio {ratio:.2f} (at least {TARGET}); front process grew by {growth / MIB:.0f} MiB (less than 50)"
    )
    return ratio


def serve(root: Path, port: int) -> None:
    import uvicorn
    from starlette.applications import Starlette

    from longshore.adapters.disk.objects import DiskObjectStore
    from longshore.adapters.disk.receiver import DiskLinkReceiver
    from longshore.core.time import SystemClock
    from longshore.http.protocol import BoundedProtocol
    from longshore.http.storage import routes

    receiver = DiskLinkReceiver(DiskObjectStore(root), KEY, SystemClock())
    uvicorn.run(
        Starlette(routes=routes(receiver)), port=port, http=BoundedProtocol, log_level="warning", access_log=False
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
