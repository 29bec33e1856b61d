"""The receiving end of our signed links: nothing is stored that the link does not say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

from longshore.adapters.disk.links import LinkVerifier
from longshore.adapters.disk.objects import DiskObjectStore
from longshore.core.time import Clock
from longshore.ports.storage import BodyIncomplete, BodyTooLarge, BodyTooShort, Constraints, LinkGrant, Stored


class DiskLinkReceiver:
    """`ports.storage.LinkReceiver` over a DiskObjectStore."""

    def __init__(self, store: DiskObjectStore, key: bytes, clock: Clock) -> None:
        """`key` is the one the signer was given."""
        self._store = store
        self._verifier = LinkVerifier(key, clock)

    def verify_put(self, path: str, query: Mapping[str, str], content_type: str | None) -> LinkGrant:
        return self._verifier.put(path, query, content_type)

    def verify_post(self, fields: Mapping[str, str]) -> LinkGrant:
        return self._verifier.post(fields)

    async def receive(self, grant: LinkGrant, body: AsyncIterator[bytes], *, announced: int | None) -> Stored:
        if announced is not None:
            _check_least(announced, grant.constraints)
            _check_most(announced, grant.constraints)
            await self._store.require_room(announced)
        async with contextlib.aclosing(_within(grant.constraints, body, announced)) as checked:
            return await self._store.write(grant.key, checked, once=grant.write_once)


async def _within(constraints: Constraints, body: AsyncIterator[bytes], announced: int | None) -> AsyncGenerator[bytes]:
    """`body`, as long as it keeps within the constraints."""
    size = 0
    async for piece in body:
        size += len(piece)
        _check_most(size, constraints)
        yield piece
    if announced is not None and size != announced:
        raise BodyIncomplete(f"{announced} bytes were announced, {size} arrived")
    _check_least(size, constraints)


def _check_most(size: int, constraints: Constraints) -> None:
    if size > constraints.size_max:
        raise BodyTooLarge(f"The link allows at most {constraints.size_max} bytes", limit=constraints.size_max)


def _check_least(size: int, constraints: Constraints) -> None:
    if size < constraints.size_min:
        raise BodyTooShort(f"The link demands at least {constraints.size_min} bytes", limit=constraints.size_min)
