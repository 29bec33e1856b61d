"""The `Caller` port over aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from longshore.adapters.outbound.settings import Exempt, OutboundSettings
from longshore.core.sizes import KIB
from longshore.ports.outbound import Answer

if TYPE_CHECKING:
    import aiohttp

    from longshore.adapters.outbound.guard import Guard, Resolve

MAX_ANSWER = 64 * KIB


class GuardedCaller:
    """One per process; `close` it at the end. `resolve` replaces the system's name resolution, for tests.

    NoAnswer's field `reason` is one of name, refused, tls, slow, cut, nonsense.
    """

    def __init__(self, settings: OutboundSettings | None = None, *, resolve: Resolve | None = None) -> None:
        self._settings = settings or OutboundSettings()
        self._exempt = Exempt(self._settings.allow)
        self._resolve = resolve
        self._opened: tuple[Guard, aiohttp.ClientSession] | None = None

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        within: timedelta,
    ) -> Answer:
        from longshore.adapters.outbound.session import translated

        guard, session = self._open()
        target = guard.target(url)
        with translated(target.raw_host):
            async with (
                asyncio.timeout(within.total_seconds()),
                session.post(target, data=body, headers=headers, allow_redirects=False) as response,
            ):
                answered = await _beginning(response)
                return Answer(
                    status=response.status,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=answered,
                )

    async def close(self) -> None:
        """Connections end; a request that is under way fails."""
        opened, self._opened = self._opened, None
        if opened is not None:
            guard, session = opened
            await session.close()
            guard.close()

    def _open(self) -> tuple[Guard, aiohttp.ClientSession]:
        """Opened when first needed: aiohttp takes a third of a second to load, and wants a running loop."""
        if self._opened is None:
            from longshore.adapters.outbound.guard import Guard
            from longshore.adapters.outbound.session import open_session

            guard = Guard(self._exempt, self._resolve)
            self._opened = guard, open_session(guard, self._settings)
        return self._opened


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """At most `MAX_ANSWER` bytes of the body; the connection of a longer one ends."""
    answered = bytearray()
    while len(answered) < MAX_ANSWER:
        piece = await response.content.read(MAX_ANSWER - len(answered))
        if not piece:
            return bytes(answered)
        answered += piece
    response.close()
    return bytes(answered)
