"""A file in the making: invisible while it is written, then whole under its name, or gone.

`O_TMPFILE` gives a file without a name, which the kernel itself forgets when the process dies. Where the file system
has no such thing, a named file in a folder of the caller's takes its place; its writer holds a `flock` on it, so that
whoever cleans up can tell a broken write from one that is going on.

Everything here blocks; callers bring a thread. One `Pending` may be used by one thread at a time, except `abandon`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

from longshore.adapters.disk.sync import start_writeback

_WRITEBACK = 8 << 20
_NO_TMPFILE = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}
_IOV_MAX = 1024


class Abandoned(Exception):
    """The file was given up by another thread."""


class Pending:
    """Bytes on their way to `folder`. `temp` is a folder on the same file system for files that need a name early."""

    def __init__(self, folder: Path, *, temp: Path, label: str) -> None:
        """Raises OSError. `label` begins the name of what a crash might leave in `temp`."""
        self._temp = temp
        self._label = label
        self._path: Path | None = None
        self._lock = threading.Lock()
        self._abandoned = False
        self.size = 0
        self._synced = 0
        try:
            self.fd = _open_nameless(folder)
        except OSError as error:
            if error.errno not in _NO_TMPFILE or not folder.is_dir():
                raise
            self._path = self._temp_path()
            self.fd = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def write(self, pieces: Sequence[bytes]) -> None:
        """Append. Raises OSError, Abandoned."""
        with self._lock:
            self._check()
            for start in range(0, len(pieces), _IOV_MAX):
                self._write_all(list(pieces[start : start + _IOV_MAX]))
            # The disk works while we receive: at the end of a large file, little is left for fsync to wait for.
            if self.size - self._synced >= _WRITEBACK:
                start_writeback(self.fd, self._synced, self.size - self._synced)
                self._synced = self.size

    def sync(self) -> None:
        """Make the content durable; the name comes with `link` or `replace`. Raises OSError, Abandoned."""
        with self._lock:
            self._check()
            os.fsync(self.fd)

    def link(self, target: Path) -> None:
        """Give it its name. Raises FileExistsError when the name is taken, OSError, Abandoned."""
        with self._lock:
            self._check()
            self._link(target)
            if self._path is not None:
                self._path.unlink(missing_ok=True)
                self._path = None

    def replace(self, target: Path) -> None:
        """Give it its name, in place of what had it. Raises OSError, Abandoned."""
        with self._lock:
            self._check()
            if self._path is None:
                path = self._temp_path()
                self._link(path)
                self._path = path
            self._path.rename(target)
            self._path = None

    def close(self) -> None:
        """Let go of the descriptor; without a name by now, the bytes are gone. Safe to repeat."""
        self._abandoned = True  # before the lock: a commit that waits for it must not happen any more
        with self._lock:
            if self.fd < 0:
                return
            if self._path is not None:
                with contextlib.suppress(OSError):
                    self._path.unlink(missing_ok=True)
                self._path = None
            os.close(self.fd)
            self.fd = -1

    def _check(self) -> None:
        if self._abandoned:
            raise Abandoned

    def _temp_path(self) -> Path:
        return self._temp / f"{self._label}.{secrets.token_hex(8)}"

    def _link(self, target: Path) -> None:
        if self._path is not None:
            os.link(self._path, target)
        else:
            # Any `src_dir_fd` makes Python call linkat(2), which follows the link in /proc; link(2) would not.
            os.link(f"/proc/self/fd/{self.fd}", target, src_dir_fd=self.fd, follow_symlinks=True)

    def _write_all(self, pieces: list[bytes]) -> None:
        """`writev` may take less than offered, above all on a disk that is nearly full."""
        while pieces:
            written = os.writev(self.fd, pieces)
            self.size += written
            while pieces and written >= len(pieces[0]):
                written -= len(pieces.pop(0))
            if pieces and written:
                pieces[0] = pieces[0][written:]


def _open_nameless(folder: Path) -> int:
    return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)


def is_abandoned(path: Path) -> bool:
    """Whether the named temporary file has no living writer."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(fd)
