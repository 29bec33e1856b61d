"""One connection to clamd: commands go out, one answer comes back.

The protocol is described in clamd(8). Commands are prefixed with `z` and end with NUL, and so does the answer.
Whatever the network does becomes a ScannerFailed here; its field `reason` is one of

- `unreachable`: no connection (not running, wrong address, not in time)
- `cut`: the connection broke before the answer
- `slow`: a time limit passed
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from longshore.adapters.clamd.settings import Address, UnixAddress
from longshore.core.sizes import MIB
from longshore.ports.content import ScannerFailed

#: An answer holds one signature's name.
_MAX_ANSWER = 4096


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._answer: asyncio.Task[str] | None = None

    async def send(self, command: str) -> None:
        """Send a command and begin to listen: clamd may answer, or hang up, before it has heard everything."""
        self._writer.write(b"z" + command.encode() + b"\0")
        self._answer = asyncio.create_task(self._listen())

    async def feed(self, piece: bytes, *, idle: float) -> bool:
        """Send one piece of a stream, in chunks of at most 1 MiB. False when clamd does not want any more.

        An empty piece sends nothing: a chunk of length 0 is the end of the stream.
        """
        view = memoryview(piece)
        for start in range(0, len(view), MIB):
            if self._has_answered:
                return False
            chunk = view[start : start + MIB]
            self._writer.write(len(chunk).to_bytes(4, "big"))
            self._writer.write(chunk)
            if not await self._drained(idle):
                return False
        return not self._has_answered

    async def end(self, *, idle: float) -> None:
        """The end of the stream."""
        self._writer.write(bytes(4))
        await self._drained(idle)

    async def answer(self) -> str:
        """The answer without its NUL. Raises ScannerFailed when there is none."""
        assert self._answer is not None, "nothing was asked"
        return await self._answer

    async def close(self) -> None:
        if self._answer is not None:
            self._answer.cancel()
            # also takes an exception that nobody asked for
            await asyncio.gather(self._answer, return_exceptions=True)
        # not close(): what is still in the buffer must not keep the connection (and a frozen clamd) alive
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    @property
    def _has_answered(self) -> bool:
        return self._answer is not None and self._answer.done()

    async def _drained(self, idle: float) -> bool:
        """Wait until clamd has taken most of what was written. False when it hung up: the answer may say why."""
        try:
            async with asyncio.timeout(idle):
                await self._writer.drain()
        except TimeoutError as e:
            raise ScannerFailed(f"The malware scanner took no bytes for {idle:g} s", reason="slow") from e
        except OSError:
            return False
        return True

    async def _listen(self) -> str:
        try:
            raw = await self._reader.readuntil(b"\0")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as e:
            raise ScannerFailed("The malware scanner hung up without an answer", reason="cut") from e
        return raw[:-1].decode("utf-8", "replace").strip()


@contextlib.asynccontextmanager
async def connected(address: Address, *, within: float) -> AsyncGenerator[Connection]:
    """A connection that is gone afterwards, however the block ends. Raises ScannerFailed (`unreachable`)."""
    try:
        async with asyncio.timeout(within):
            if isinstance(address, UnixAddress):
                streams = await asyncio.open_unix_connection(address.path, limit=_MAX_ANSWER)
            else:
                streams = await asyncio.open_connection(address.host, address.port, limit=_MAX_ANSWER)
    except OSError as e:  # TimeoutError is one of them
        reason = "not in time" if isinstance(e, TimeoutError) else e.strerror or type(e).__name__
        raise ScannerFailed(f"No connection to clamd at {address}: {reason}", reason="unreachable") from e
    connection = Connection(*streams)
    try:
        yield connection
    finally:
        await connection.close()
