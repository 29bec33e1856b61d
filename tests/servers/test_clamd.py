"""The private clamd scans as a real one does, and can be broken on purpose."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.eicar import eicar, eicar_zip, eicar_zip_twice
from tests.servers.clamd import SIGNATURE, Clamd
from tests.servers.process import ServerFailed, ServerProcess, find_program


@pytest.mark.parametrize("make", [eicar, eicar_zip, eicar_zip_twice])
def test_the_test_virus_is_found(clamd: Clamd, make) -> None:
    answer = clamd.scan(make())

    assert answer.startswith(f"stream: {SIGNATURE}")
    assert answer.endswith("FOUND")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(3_000_000)], ids=["empty", "text", "zeros"])
def test_clean_content_is_ok(clamd: Clamd, content: bytes) -> None:
    assert clamd.scan(content) == "stream: OK"


def test_a_killed_clamd_refuses_connections_until_restarted(clamd_to_break: Clamd) -> None:
    clamd_to_break.kill()
    with pytest.raises(ConnectionRefusedError):
        clamd_to_break.scan(b"hello")

    clamd_to_break.restart()
    assert clamd_to_break.scan(b"hello") == "stream: OK"


def test_a_stopped_clamd_takes_its_socket_along(clamd_to_break: Clamd) -> None:
    clamd_to_break.stop()

    assert not clamd_to_break.socket.exists()


def test_a_paused_clamd_answers_after_it_is_resumed(clamd_to_break: Clamd) -> None:
    clamd_to_break.pause()
    assert not clamd_to_break.answers()

    clamd_to_break.resume()
    assert clamd_to_break.answers()


@pytest.mark.server
def test_no_server_outlives_a_killed_test_process() -> None:
    """kill -9 runs no finalizer: the kernel must do it."""
    program = (
        "from tests.servers.clamd import running_clamd\n"
        "import time\n"
        "with running_clamd() as server:\n"
        "    print(server.pid, server.folder, flush=True)\n"
        "    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with child:
        assert child.stdout is not None
        pid, folder = child.stdout.readline().split()
        assert Path(f"/proc/{pid}/exe").resolve().name == "clamd"
        child.kill()

    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        assert not Path(f"/proc/{pid}/exe").exists()
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def test_a_server_that_cannot_start_fails_with_its_log(tmp_path: Path) -> None:
    server = ServerProcess(["sh", "-c", "echo no such database >&2; exit 3"], folder=tmp_path, is_ready=lambda: False)

    with pytest.raises(ServerFailed, match=r"ended with 3\nno such database"):
        server.start()


def test_a_server_that_never_answers_is_ended(tmp_path: Path) -> None:
    server = ServerProcess(["sleep", "60"], folder=tmp_path, is_ready=lambda: False, start_timeout=0.2)

    with pytest.raises(ServerFailed, match="did not answer"):
        server.start()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, signal.SIG_DFL)


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(ServerFailed, match=r"no-such-server is not installed: apt-get install .* some-package"):
        find_program("no-such-server", package="some-package")
