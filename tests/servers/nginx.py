"""A private nginx for a configuration that the test writes. Ready in about 10 ms."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import ServerFailed, ServerProcess, find_program, free_port, is_listening, short_folder

_WORKERS = 2

# @USER@: as root the workers would drop to a user who cannot enter a 0700 folder. All five temporary paths are set:
# otherwise nginx wants to write below /var/lib, which a plain user may not.
_MAIN = """\
@USER@
daemon off;
worker_processes @WORKERS@;
pid @DIR@/nginx.pid;
error_log @DIR@/error.log warn;
events { worker_connections 1024; }
http {
  access_log @DIR@/access.log;
  default_type application/octet-stream;
  client_body_temp_path @DIR@/tmp/body;
  proxy_temp_path @DIR@/tmp/proxy;
  fastcgi_temp_path @DIR@/tmp/fastcgi;
  uwsgi_temp_path @DIR@/tmp/uwsgi;
  scgi_temp_path @DIR@/tmp/scgi;
@BODY@
}
"""


class Nginx:
    """A running nginx. `url` is where its server listens, `folder` is @DIR@ of the configuration."""

    def __init__(self, folder: Path, body: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "tmp").mkdir(exist_ok=True)
        self._config = folder / "nginx.conf"
        self.configure(body)
        program = find_program("nginx", package="nginx")
        self._process = ServerProcess(
            # -e: until the configuration is read, nginx would complain into /var/log
            [program, "-p", str(folder), "-c", str(self._config), "-e", str(folder / "error.log")],
            folder=folder,
            is_ready=lambda: is_listening(self.port) and len(self._workers()) >= _WORKERS,
            logs=[folder / "error.log"],
            when_orphaned=signal.SIGTERM,  # the master then ends its workers; killed, it would leave them behind
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def configure(self, body: str) -> None:
        """Write the configuration; a running nginx takes it at `reload`."""
        text = _MAIN.replace("@BODY@", body)
        for name, value in {
            "USER": "user root;" if os.geteuid() == 0 else "",
            "WORKERS": str(_WORKERS),
            "DIR": str(self.folder),
            "PORT": str(self.port),
        }.items():
            text = text.replace(f"@{name}@", value)
        self._config.write_text(text)

    def start(self) -> None:
        self._process.start()

    def reload(self) -> None:
        """Take the written configuration without dropping connections. Returns when only new workers accept."""
        old = self._workers()
        self._process.signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while any(_accepts(worker) for worker in old):
            if time.monotonic() > deadline:
                raise ServerFailed(f"nginx did not take its new configuration\n{self.log()}")
            time.sleep(0.01)

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def log(self) -> str:
        return self._process.log()

    def _workers(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


def _accepts(worker: int) -> bool:
    """A worker that was told to go says so in its title, and finishes what it has."""
    try:
        title = Path(f"/proc/{worker}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return bool(title) and b"shutting down" not in title


@contextlib.contextmanager
def running_nginx(body: str) -> Iterator[Nginx]:
    """A started nginx with `body` inside its `http { }`; ended and removed afterwards.

    In `body`, @PORT@ stands for the port to listen on and @DIR@ for nginx's own folder:

        server { listen 127.0.0.1:@PORT@; root @DIR@/files; }
    """
    with short_folder("nginx") as folder:
        server = Nginx(folder, body)
        try:
            server.start()
        except ServerFailed as failure:
            if "Address already in use" not in str(failure):
                raise
            server = Nginx(folder, body)  # somebody took the port between finding and using it
            server.start()
        try:
            yield server
        finally:
            server.stop()
