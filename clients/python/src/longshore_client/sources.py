"""What can be uploaded: paths, bytes, file objects and streams, all as bytes that can be read again from the start.

A try that failed sends everything again, so a stream that can be read only once is first laid down in a temporary file.
Nothing here holds more than a mebibyte of content in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import mimetypes
import os
import stat
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from pathlib import Path
from typing import IO, Any, Protocol, cast

from longshore_client.errors import SourceChanged, TooLarge


class BinaryFile(Protocol):
    """Anything with a blocking `read`; read in threads. What can `seek` and `tell` as well needs no temporary file."""

    def read(self, size: int = -1, /) -> bytes | None: ...


Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | AsyncIterable[bytes]
"""A path, the bytes themselves, a binary file object (read from where it stands), or an asynchronous stream."""

PIECE = 1024 * 1024
UNNAMED = "unnamed"

#: What Python's own table lacks, or has only in newer versions.
_TYPES = {
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jxl": "image/jxl",
    ".md": "text/markdown",
    ".webp": "image/webp",
}
_ENCODINGS = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "br": "application/octet-stream",
    "compress": "application/x-compress",
}


class Content(Protocol):
    """Bytes to send. `size` in bytes."""

    size: int

    def pieces(self) -> AsyncIterator[bytes | memoryview]:
        """Everything from the start, each time it is called. Raises SourceChanged when less than `size` is there."""
        ...

    async def check(self) -> None:
        """Raises SourceChanged when it is known not to be what it was at the beginning."""
        ...


def name_of(source: Source) -> str:
    """The name a source has of itself: a path's last component."""
    if isinstance(source, str | os.PathLike):
        return Path(source).name or UNNAMED
    name = getattr(source, "name", None)
    return Path(name).name or UNNAMED if isinstance(name, str) else UNNAMED


def type_of(name: str) -> str:
    """The media type that a name suggests; the server looks at the bytes and records both."""
    known = _TYPES.get(Path(name).suffix.lower())
    if known is not None:
        return known
    guessed, encoding = mimetypes.guess_type(name, strict=False)
    if encoding is not None:
        return _ENCODINGS.get(encoding, "application/octet-stream")
    return guessed or "application/octet-stream"


@contextlib.asynccontextmanager
async def opened(source: Source) -> AsyncGenerator[Content | Stream]:
    """The source's Content, or a Stream where its size is not known yet. Closes what it opened, nothing else.

    Raises OSError when a path cannot be read, TypeError for what is no source of bytes.
    """
    match source:
        case bytes() | bytearray() | memoryview():
            yield _Memory(source)
        case str() | os.PathLike():
            file = await asyncio.to_thread(_open, source)
            try:
                yield _File(file, 0, is_ours=True) if _is_regular(file) else Stream(_read(file))
            finally:
                file.close()
        case _ if hasattr(source, "__aiter__"):
            yield Stream(cast("AsyncIterable[bytes]", source))
        case _ if hasattr(source, "read"):
            file = cast("IO[bytes]", source)
            if isinstance(file, io.TextIOBase):
                raise TypeError("open the file in binary mode: text has no bytes of its own")
            seekable = getattr(file, "seekable", None)
            if seekable is not None and await asyncio.to_thread(seekable):
                yield _File(file, await asyncio.to_thread(file.tell), is_ours=False)
            else:
                yield Stream(_read(file))
        case _:
            raise TypeError(f"cannot upload {type(source).__name__}: give a path, bytes, a binary file or a stream")


class Stream:
    """Bytes that come once, and whose size nobody knows yet."""

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    @contextlib.asynccontextmanager
    async def laid_down(self, limit: int) -> AsyncGenerator[Content]:
        """All of it, in a temporary file (in memory when it is small). Raises TooLarge past `limit` bytes."""
        with tempfile.SpooledTemporaryFile(max_size=PIECE) as file:
            size = 0
            async for piece in self._stream:
                size += len(piece)
                if size > limit:
                    raise TooLarge(
                        "size-over-limit", None, f"The stream is longer than {limit} bytes", {"limit": limit}
                    )
                await asyncio.to_thread(file.write, piece)
            yield _File(cast("IO[bytes]", file), 0, is_ours=False)


class _Memory:
    def __init__(self, content: bytes | bytearray | memoryview) -> None:
        self._view = memoryview(content).cast("B")
        self.size = self._view.nbytes

    async def pieces(self) -> AsyncGenerator[memoryview]:
        for start in range(0, self.size, PIECE):
            yield self._view[start : start + PIECE]

    async def check(self) -> None:
        return


class _File:
    """A seekable file from `start` to its end. Reading happens in threads: disks block."""

    def __init__(self, file: IO[bytes], start: int, *, is_ours: bool) -> None:
        self._file = file
        self._start = start
        self._before = _fingerprint(file) if is_ours else None
        end = self._before[0] if self._before else file.seek(0, io.SEEK_END)
        self.size = max(0, end - start)

    async def pieces(self) -> AsyncGenerator[bytes]:
        await asyncio.to_thread(self._file.seek, self._start)
        left = self.size
        while left:
            piece = await asyncio.to_thread(self._file.read, min(PIECE, left))
            if not piece:
                raise SourceChanged(f"{left} bytes are missing at the end of what was {self.size} bytes long")
            left -= len(piece)
            yield piece

    async def check(self) -> None:
        if self._before is not None and await asyncio.to_thread(_fingerprint, self._file) != self._before:
            raise SourceChanged("The file was changed while it was sent")


async def _read(file: IO[bytes]) -> AsyncGenerator[bytes]:
    while True:
        outcome: Any = await asyncio.to_thread(file.read, PIECE)
        piece: object = await outcome if inspect.isawaitable(outcome) else outcome
        if not piece:
            return
        if not isinstance(piece, bytes):
            raise TypeError(f"bytes were expected of this file, not {type(piece).__name__}")
        yield piece


def _open(path: str | os.PathLike[str]) -> IO[bytes]:
    return Path(path).open("rb", buffering=0)


def _is_regular(file: IO[bytes]) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _fingerprint(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns
