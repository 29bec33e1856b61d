"""A running server on a folder, and a raw line to it."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from longshore.adapters.disk.links import DiskLinkSigner
from longshore.core.ids import FileId
from longshore.core.sizes import GIB
from longshore.ports.storage import Constraints, ObjectKey, SignedForm, SignedRequest
from tests.integration.disk.server import KEY
from tests.servers.process import ServerProcess, free_port, is_listening, short_folder

ROOT = Path(__file__).parents[3]


@dataclass
class Answer:
    """`closed` says whether the server ended the connection after it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    closed: bool


class Server:
    def __init__(self, folder: Path, port: int, process: ServerProcess) -> None:
        self.folder = folder
        self.port = port
        self.process = process
        self._signer = DiskLinkSigner(f"http://127.0.0.1:{port}", KEY)

    def put(self, low: int = 0, high: int = 2 * GIB, key: ObjectKey | None = None) -> SignedRequest:
        return self._signer.put(key or new_key(), _constraints(low, high))

    def post(self, low: int = 0, high: int = 2 * GIB, key: ObjectKey | None = None) -> SignedForm:
        return self._signer.post(key or new_key(), _constraints(low, high))

    def line(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def stored(self) -> dict[str, bytes]:
        """Everything on the disk, by file name."""
        return {path.name: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def memory(self, field: str) -> int:
        """`VmRSS` or `VmHWM` (its peak) in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(field))


def new_key() -> ObjectKey:
    return ObjectKey.incoming(FileId(uuid4()))


def _constraints(low: int, high: int) -> Constraints:
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    return Constraints(content_type="image/png", size_min=low, size_max=high, expires_at=expires_at)


@contextlib.contextmanager
def running(folder: Path, log: Path, *arguments: str) -> Iterator[Server]:
    port = free_port()
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = ServerProcess(
        [
            "/usr/bin/env",
            f"PYTHONPATH={path}",
            *(sys.executable, "-m", "tests.integration.disk.server", str(folder), str(port)),
            *arguments,
        ],
        folder=log,
        is_ready=lambda: is_listening(port),
    )
    process.start()
    try:
        yield Server(folder, port, process)
    finally:
        process.kill()


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with short_folder("disk") as folder, running(folder / "objects", folder) as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Server:
    """A server with nothing stored."""
    for path in shared.folder.rglob("*"):
        if path.is_file():
            path.unlink()
    return shared


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server for this test alone."""
    with contextlib.ExitStack() as stack:

        def start(folder: Path = tmp_path / "objects", *arguments: str) -> Server:
            return stack.enter_context(running(folder, tmp_path, *arguments))

        yield start


def head(method: str, target: str, **headers: str | int) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def put_head(request: SignedRequest, **headers: str | int) -> bytes:
    """`PUT` with the headers of the link."""
    sent = {name.replace("-", "_"): value for name, value in request.headers.items()}
    return head("PUT", "/storage/" + request.url.partition("/storage/")[2], **{**sent, **headers})


def answer(line: socket.socket, *, patience: float = 5.0) -> Answer:
    """One answer, and whether the connection ends within a moment."""
    line.settimeout(patience)
    text = b""
    while b"\r\n\r\n" not in text:
        piece = line.recv(65536)
        assert piece, f"the connection ended after {text!r}"
        text += piece
    start, _, body = text.partition(b"\r\n\r\n")
    status, *lines = start.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        piece = line.recv(65536)
        if not piece:
            break  # to HEAD, or cut short
        body += piece
    return Answer(int(status.split()[1]), headers, body, _ends(line))


def _ends(line: socket.socket) -> bool:
    line.settimeout(0.3)
    try:
        return line.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
