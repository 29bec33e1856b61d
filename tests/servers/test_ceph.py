"""The private Ceph speaks S3, can be broken on purpose, and leaves nothing behind."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.ceph import Ceph
from tests.servers.process import is_listening


def test_the_store_answers(ceph: Ceph) -> None:
    assert ceph.answers()


def test_a_killed_gateway_comes_back_on_the_same_port(ceph_to_break: Ceph) -> None:
    ceph_to_break.kill_gateway()
    assert not is_listening(ceph_to_break.port)

    ceph_to_break.start_gateway()
    assert ceph_to_break.answers()


@pytest.mark.server
def test_no_daemon_outlives_a_killed_test_process() -> None:
    program = (
        "from tests.servers.ceph import running_ceph\n"
        "import time\n"
        "with running_ceph() as ceph:\n"
        "    print(ceph.folder, *ceph.pids, flush=True)\n"
        "    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    with child:
        assert child.stdout is not None
        folder, *pids = child.stdout.readline().split()
        assert len(pids) == 3
        child.kill()

    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}/exe").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        assert not any(Path(f"/proc/{pid}/exe").exists() for pid in pids)
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)
