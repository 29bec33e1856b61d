"""Starting a server as a foreground child, waiting until it answers, ending it for sure."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path


class ServerFailed(Exception):
    """A server did not start, or did not stop; the message carries the end of its log."""


def find_program(name: str, *, package: str) -> str:
    """Path of `name`; ServerFailed names the Debian `package` when it is missing."""
    # servers live in sbin, which a plain user's PATH leaves out
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if path is None:
        raise ServerFailed(f"{name} is not installed: apt-get install --no-install-recommends {package}")
    return path


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def short_folder(prefix: str) -> Iterator[Path]:
    """A private folder with a short path, removed afterwards.

    A Unix socket's path may have 107 bytes, and neither pytest's tmp_path nor TMPDIR promises so little.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"ls-{prefix}-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_listening(port: int) -> bool:
    """Whether something accepts TCP connections on 127.0.0.1:`port`."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class ServerProcess:
    """One foreground server process. The kernel ends it when the test process goes, however that goes."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        is_ready: Callable[[], bool],
        logs: Sequence[Path] = (),
        when_orphaned: signal.Signals = signal.SIGKILL,
        start_timeout: float = 20.0,
        user: str | None = None,
    ) -> None:
        """`when_orphaned` is what the server gets if we die: SIGTERM for one that has children of its own to end.
        `user` is whom to become, for root."""
        self._command = tuple(command)
        self._folder = folder
        self._is_ready = is_ready
        self._output = folder / "output.log"
        self._logs = (*logs, self._output)
        self._when_orphaned = when_orphaned
        self._start_timeout = start_timeout
        self._become = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id; the server must have been started."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until the server answers. Raises ServerFailed with its log if it does not."""
        assert not self.is_running, "already running"
        setpriv = find_program("setpriv", package="util-linux")
        orphaned = self._when_orphaned.name.removeprefix("SIG")
        with self._output.open("ab") as output:
            # setpriv only sets PR_SET_PDEATHSIG and becomes the server: same pid, no wrapper left standing.
            # It counts from the thread that starts it, so start servers from the main thread, as fixtures do.
            self._process = subprocess.Popen(
                [setpriv, *self._become, "--pdeathsig", orphaned, "--", *self._command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                start_new_session=True,  # Ctrl-C on the test run is ours to pass on, in order
            )
        deadline = time.monotonic() + self._start_timeout
        while not self._is_ready():
            if not self.is_running:
                raise ServerFailed(f"{self._command[0]} ended with {self._process.returncode}\n{self.log()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"{self._command[0]} did not answer in {self._start_timeout} s\n{self.log()}")
            time.sleep(0.01)

    def stop(self, timeout: float = 10.0) -> None:
        """Ask it to end and wait; killed when it does not. Stopping a stopped server is fine."""
        if self._process is None:
            return
        if self.is_running:
            self.signal(signal.SIGCONT)  # a paused process would never see the SIGTERM
            self.signal(signal.SIGTERM)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, with its children, as a crash would."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # its own session, so its own group
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "not started"
        self._process.send_signal(number)

    def log(self, lines: int = 30) -> str:
        """The last lines of what the server wrote."""
        return "\n".join(
            line
            for path in self._logs
            if path.exists()
            for line in path.read_text(errors="replace").splitlines()[-lines:]
        )
