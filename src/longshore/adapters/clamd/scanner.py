"""The `Scanner` port over clamd's INSTREAM.

Only `stream: OK` is clean and only `stream: <name> FOUND` is malware; all else is ScannerFailed. Besides the reasons
of `connection`, its field `reason` may be

- `size`: more bytes than `max_size`, or than clamd's own limit
- `busy`: no turn in time
- `refused`: clamd answered with an error
- `limits`: clamd looked at a part only and says so (it does with `AlertExceedsMax yes`); trying again cannot help
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator

from longshore.adapters.clamd.connection import Connection, connected
from longshore.adapters.clamd.settings import ClamdSettings, parse_address
from longshore.core.sizes import show_size
from longshore.ports.content import ScannerFailed, Verdict

_FOUND = re.compile(r"stream: (?P<name>.+?)(?:\.UNOFFICIAL)?(?:\([^()]*\))? FOUND", re.DOTALL)
_VERSION = re.compile(r"(?P<engine>ClamAV [^/]+)(?:/(?P<number>\d+)/(?P<day>.+))?")
#: Not malware: clamd's word for "I stopped at one of my limits".
_LIMITS = "Heuristics.Limits.Exceeded"


class ClamdScanner:
    """One per installation. Holds no connection between scans: clamd takes one per stream anyway."""

    def __init__(self, settings: ClamdSettings) -> None:
        self.max_size = settings.max_size
        self._settings = settings
        self._address = parse_address(settings.address)
        self._turns = asyncio.Semaphore(settings.max_scans)

    async def scan(self, body: AsyncIterator[bytes]) -> Verdict:
        """See the port. Whatever `body` raises passes through untouched, and clamd forgets what it had got."""
        async with self._turn():
            limit = self._settings.scan_timeout_s
            deadline = asyncio.timeout(limit)
            try:
                async with deadline:
                    answer = await self._instream(body)
            except TimeoutError as e:
                if not deadline.expired():
                    raise  # the body's own
                raise ScannerFailed(f"The malware scanner did not finish within {limit:g} s", reason="slow") from e
        return _verdict(answer)

    async def check(self) -> str:
        """`ClamAV 1.4.3, signatures 27500 of Thu Jan 1 2026, at /run/clamav/clamd.ctl`."""
        if (pong := await self._ask("PING")) != "PONG":
            raise ScannerFailed(f"What answers at {self._address} is not clamd: {pong[:80]!r}", reason="refused")
        version = await self._ask("VERSION")
        m = _VERSION.fullmatch(version)
        if m is None:
            raise ScannerFailed(f"clamd at {self._address} told no version: {version[:80]!r}", reason="refused")
        signatures = f", signatures {m['number']} of {m['day']}" if m["number"] else ""
        return f"{m['engine']}{signatures}, at {self._address}"

    async def _ask(self, command: str) -> str:
        limit = self._settings.connect_timeout_s
        try:
            async with asyncio.timeout(limit), connected(self._address, within=limit) as connection:
                await connection.send(command)
                return await connection.answer()
        except TimeoutError as e:
            raise ScannerFailed(
                f"clamd at {self._address} did not answer {command} within {limit:g} s", reason="slow"
            ) from e

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self._settings.queue_timeout_s):
                await self._turns.acquire()
        except TimeoutError as e:
            raise ScannerFailed("Too many files are waiting for the malware scanner", reason="busy") from e
        try:
            yield
        finally:
            self._turns.release()

    async def _instream(self, body: AsyncIterator[bytes]) -> str:
        async with connected(self._address, within=self._settings.connect_timeout_s) as connection:
            await connection.send("INSTREAM")
            await self._feed(connection, body)
            return await connection.answer()

    async def _feed(self, connection: Connection, body: AsyncIterator[bytes]) -> None:
        """All of `body`, or as much of it as clamd wants."""
        idle = self._settings.idle_timeout_s
        fed = 0
        async for piece in body:
            fed += len(piece)
            if fed > self.max_size:
                raise ScannerFailed(
                    f"The malware scanner takes at most {show_size(self.max_size)}", reason="size", limit=self.max_size
                )
            if not await connection.feed(piece, idle=idle):
                return
        await connection.end(idle=idle)


def _verdict(answer: str) -> Verdict:
    if answer == "stream: OK":
        return Verdict(signature=None)
    if m := _FOUND.fullmatch(answer):
        name = m["name"]
        if name.startswith(_LIMITS):
            raise ScannerFailed(f"The malware scanner stopped at a limit of its own: {name[:100]}", reason="limits")
        return Verdict(signature=name)
    if "size limit exceeded" in answer:
        raise ScannerFailed("The file is larger than clamd's StreamMaxLength", reason="size")
    raise ScannerFailed(f"The malware scanner answered with an error: {answer[:200]}", reason="refused")
