"""A private single-node Ceph with its S3 gateway (radosgw), in memory, on loopback. Ready in about 1.5 s, 115 MB.

One monitor, one OSD on memstore, no manager. As root or as anybody. The notes in the configuration are of what was
tried: without `paxos_*` each of the gateway's pools takes a second to create, without `tcp_nodelay` a request takes
25 ms, and with `auth_* = none` the gateway hangs.
"""

import contextlib
import os
import signal
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import ServerFailed, ServerProcess, find_program, free_port, short_folder

ACCESS_KEY, SECRET_KEY = "testaccesskey0000001", "testsecretkey000000000000000000000000001"
REGION = "us-east-1"

_CONFIG = """\
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{mon_port}]
ms_bind_ipv4 = true
ms_bind_ipv6 = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
keyring = {folder}/keyring
run_dir = {folder}/run
admin_socket = {folder}/run/$name.asok
pid_file = {folder}/run/$name.pid
log_file = {folder}/log/$name.log
log_to_stderr = false
mon_cluster_log_file = {folder}/log/cluster.log
crash_dir = {folder}/log
setuser_match_path =
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
osd_mon_report_interval = 1
mon_warn_on_pool_no_redundancy = false
debug_none = 0/0
[mon]
mon_data = {folder}/mon
mon_data_avail_crit = 1
mon_osd_min_in_ratio = 0
mon_pg_warn_min_per_osd = 0
[osd]
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_check_max_object_name_len_on_startup = false
[client.rgw.test]
rgw_frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw_data = {folder}/rgw
rgw_thread_pool_size = 32
rgw_lc_debug_interval = 10
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_dns_name = 127.0.0.1
rgw_crypt_require_ssl = false
"""
_FOLDERS = ("mon", "osd", "rgw", "run", "log", "of-mon", "of-osd", "of-rgw")
_KEYS = (
    ("mon.", "mon", "allow *"),
    ("client.admin", "mon", "allow *", "osd", "allow *", "mgr", "allow *"),
    ("client.rgw.test", "mon", "allow rwx", "osd", "allow rwx"),
    ("osd.0", "mon", "allow profile osd", "osd", "allow *"),
)


class Ceph:
    """A running S3 store at `endpoint`, with the switches that fault tests need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._config = folder / "ceph.conf"
        for name in _FOLDERS:
            (folder / name).mkdir()
        self._fsid = str(uuid.uuid4())
        self._mon_port = free_port()
        self._config.write_text(
            _CONFIG.format(folder=folder, fsid=self._fsid, mon_port=self._mon_port, port=self.port), encoding="utf-8"
        )
        self._mon = self._daemon("ceph-mon", "mon", "-i", "a", package="ceph-mon")
        self._osd = self._daemon("ceph-osd", "osd", "-i", "0", package="ceph-osd")
        self._gateway = self._daemon("radosgw", "rgw", "-n", "client.rgw.test", package="radosgw")

    @property
    def pids(self) -> tuple[int, int, int]:
        return self._gateway.pid, self._osd.pid, self._mon.pid

    def start(self) -> None:
        self._make_keyring()
        monitors = str(self.folder / "monmap")
        self._run(
            "monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", f"[v2:127.0.0.1:{self._mon_port}]", monitors
        )
        keyring = str(self.folder / "keyring")
        self._run("ceph-mon", *self._with, "-i", "a", "--mkfs", "--monmap", monitors, "--keyring", keyring)
        self._mon.start()
        osd = str(uuid.uuid4())
        self._run("ceph", *self._with, "--connect-timeout", "20", "osd", "new", osd, "0")
        self._run("ceph-osd", *self._with, "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._osd.start()
        user = ("--uid=test", "--display-name=test", f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}")
        self._run("radosgw-admin", *self._with, "user", "create", *user)
        self._gateway.start()

    def kill(self) -> None:
        """End all of it at once: nothing in memory is worth an orderly end. The gateway first, which would hang in its
        shutdown and keep the port if the OSD went before it."""
        for server in (self._gateway, self._osd, self._mon):
            server.kill()

    def kill_gateway(self) -> None:
        """The store is away; what it holds stays."""
        self._gateway.kill()

    def start_gateway(self) -> None:
        self._gateway.start()

    def pause(self) -> None:
        """Freeze the gateway: connections are accepted by the kernel, nothing is answered."""
        self._gateway.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._gateway.signal(signal.SIGCONT)

    def answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.endpoint}/", timeout=1) as answer:
            return answer.status == 200
        return False

    @property
    def _with(self) -> tuple[str, str]:
        return "-c", str(self._config)

    def _daemon(self, program: str, part: str, *arguments: str, package: str) -> ServerProcess:
        return ServerProcess(
            [find_program(program, package=package), "-f", *self._with, *arguments],
            folder=self.folder / f"of-{part}",
            # the monitor and the OSD are waited for by the commands that follow
            is_ready=self.answers if part == "rgw" else lambda: True,
        )

    def _make_keyring(self) -> None:
        keyring = str(self.folder / "keyring")
        for name, *capabilities in _KEYS:
            caps = [word for n in range(0, len(capabilities), 2) for word in ("--cap", *capabilities[n : n + 2])]
            new = ["--create-keyring"] if name == "mon." else []
            self._run("ceph-authtool", keyring, *new, "--gen-key", "-n", name, *caps)
        (self.folder / "keyring").chmod(0o600)

    def _run(self, program: str, *arguments: str) -> None:
        command = [find_program(program, package="radosgw ceph-mon ceph-osd"), *arguments]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "CEPH_CONF": str(self._config)}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        if done.returncode:
            raise ServerFailed(f"{program} ended with {done.returncode}\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def running_ceph() -> Iterator[Ceph]:
    """A started store in a folder of its own; ended and removed afterwards."""
    with short_folder("ceph") as folder:
        ceph = Ceph(folder)
        try:
            ceph.start()
            yield ceph
        finally:
            ceph.kill()


def ceph_settings(ceph: Ceph, bucket: str) -> dict[str, str]:
    """The settings for objects in `bucket` of that store."""
    return {
        "STORAGE__TYPE": "s3",
        "STORAGE__ENDPOINT": ceph.endpoint,
        "STORAGE__REGION": REGION,
        "STORAGE__BUCKET": bucket,
        "STORAGE__ACCESS_KEY": ACCESS_KEY,
        "STORAGE__SECRET_KEY": SECRET_KEY,
    }
