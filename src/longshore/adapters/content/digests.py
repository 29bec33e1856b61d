"""SHA-256, MD5 and CRC-32C of one stream, in one pass, off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import cast

import google_crc32c

from longshore.core.digests import Digests
from longshore.core.sizes import KIB

#: Below this a trip to a thread costs more than the hashing (16 KiB: about 35 µs).
_AT_ONCE = 16 * KIB

_extend = cast("Callable[[int, bytes], int]", google_crc32c.extend)  # pyright: ignore[reportUnknownMemberType] - untyped


class StreamDigester:
    """One trip to a thread for each piece. `update` is not for concurrent use: wait for one piece before the next."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        # recorded because clients compare it (ETag, Content-MD5); nothing is trusted for its MD5
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32c = 0

    async def update(self, piece: bytes) -> None:
        if len(piece) <= _AT_ONCE:
            self._take(piece)
        else:
            await asyncio.to_thread(self._take, piece)

    def finish(self) -> Digests:
        return Digests(sha256=self._sha256.hexdigest(), md5=self._md5.hexdigest(), crc32c=f"{self._crc32c:08x}")

    def _take(self, piece: bytes) -> None:
        self._sha256.update(piece)
        self._md5.update(piece)
        self._crc32c = _extend(self._crc32c, piece)


class StreamDigesters:
    """The `Digesters` port."""

    def begin(self) -> StreamDigester:
        return StreamDigester()
