"""A private clamd that knows one virus: the EICAR test string. Ready in about 50 ms, 16 MB, no network."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from tests.eicar import eicar
from tests.servers.process import ServerProcess, find_program, free_port, short_folder

SIGNATURE = "Eicar-Test-Signature"
"""What clamd answers begins with this; it adds `.UNOFFICIAL`, as for every database that nobody signed."""

_CONFIG = """\
DatabaseDirectory {folder}/db
TemporaryDirectory {folder}/tmp
LocalSocket {folder}/clamd.sock
LocalSocketMode 600
FixStaleSocket yes
TCPSocket {port}
TCPAddr 127.0.0.1
LogFile {folder}/clamd.log
LogTime yes
Foreground yes
StreamMaxLength {stream_max}
MaxFileSize {stream_max}
MaxScanSize 400M
MaxThreads 4
SelfCheck 0
ConcurrentDatabaseReload no
OfficialDatabaseOnly no
AlertExceedsMax yes
"""


class Clamd:
    """A running clamd at `socket` (Unix) and 127.0.0.1:`port` (TCP), with the switches that fault tests need."""

    def __init__(self, folder: Path, *, stream_max: str) -> None:
        self.folder = folder
        self.socket = folder / "clamd.sock"
        self.port = free_port()
        (folder / "db").mkdir()
        (folder / "tmp").mkdir()
        (folder / "db" / "test.ndb").write_text(f"{SIGNATURE}:0:*:{eicar().hex()}\n")
        config = folder / "clamd.conf"
        config.write_text(_CONFIG.format(folder=folder, port=self.port, stream_max=stream_max))
        self._process = ServerProcess(
            [find_program("clamd", package="clamav-daemon clamav"), "-c", str(config)],
            folder=folder,
            is_ready=self.answers,
            logs=[folder / "clamd.log"],
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.is_running

    def start(self) -> None:
        self._process.start()

    def stop(self) -> None:
        """End in order: the socket goes away."""
        self._process.stop()

    def kill(self) -> None:
        """End as by a crash: the socket file stays and refuses connections."""
        self._process.kill()

    def restart(self) -> None:
        """Stop if need be, then start on the same socket and port."""
        self._process.stop()
        self._process.start()

    def pause(self) -> None:
        """Freeze: connections are accepted by the kernel, nothing is answered."""
        self._process.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.signal(signal.SIGCONT)

    def answers(self) -> bool:
        """Whether it says PONG within a second."""
        with contextlib.suppress(OSError), self._connection(timeout=1.0) as connection:
            connection.sendall(b"zPING\0")
            return connection.recv(16).startswith(b"PONG")
        return False

    def scan(self, content: bytes) -> str:
        """clamd's own answer to `content`, by INSTREAM: `stream: OK` or `stream: <name> FOUND`.

        For checking the server; the product's client is `longshore.adapters.clamd`.
        """
        with self._connection(timeout=30.0) as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), 65536):
                chunk = content[start : start + 65536]
                connection.sendall(len(chunk).to_bytes(4, "big") + chunk)
            connection.sendall(bytes(4))
            return connection.recv(4096).rstrip(b"\0\n").decode()

    def log(self) -> str:
        return self._process.log()

    @contextlib.contextmanager
    def _connection(self, *, timeout: float) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(self.socket))
            yield connection


@contextlib.contextmanager
def running_clamd(*, stream_max: str = "100M") -> Iterator[Clamd]:
    """A started clamd in a folder of its own; ended and removed afterwards. `stream_max` is its StreamMaxLength."""
    with short_folder("clamd") as folder:
        server = Clamd(folder, stream_max=stream_max)
        server.start()
        try:
            yield server
        finally:
            server.kill()  # nothing in it is worth an orderly end, which takes a second
