"""Large objects in parts: sent with a signed link each, in any order, in parallel, again if need be.

Extra power of a store, as a protocol of its own: a store has it or has not. `core/parts.py` cuts files into parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Protocol

from longshore.core.errors import Gone, Invalid
from longshore.ports.storage import ObjectKey, SignedRequest, Stored

MultipartId = NewType("MultipartId", str)
"""The store's own. Clients get one of ours (decision 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWanted:
    """A part that somebody is about to send: exactly `size` bytes, and if `md5` (base64) is given exactly those."""

    number: int
    size: int
    md5: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part that has arrived. `etag` is opaque and unquoted."""

    number: int
    size: int
    etag: str


class MultipartGone(Gone):
    code = "multipart-gone"
    title = "The upload in parts has ended: it was put together or thrown away"


class PartUnknown(Invalid):
    code = "part-unknown"
    title = "One of the parts has not arrived, or is not the one that was named"


class PartsOutOfOrder(Invalid):
    code = "parts-out-of-order"
    title = "Parts must be named once each, in ascending order"


class PartTooSmall(Invalid):
    code = "part-too-small"
    title = "Every part but the last must have at least 5 MiB"


class MultipartStore(Protocol):
    async def create(self, key: ObjectKey, *, content_type: str | None = None) -> MultipartId:
        """Begin to bring `key` in parts. Nothing is visible before `complete`. Raises StorageFull, Upstream."""
        ...

    def sign_parts(
        self, key: ObjectKey, multipart: MultipartId, wanted: Sequence[PartWanted], *, expires_at: datetime
    ) -> Sequence[SignedRequest]:
        """A way to send each part, in order; numbers from 1 to 10,000. Pure arithmetic: nothing is asked of the store,
        so that links may be signed just in time and again. A part sent again replaces the earlier one."""
        ...

    async def parts(self, key: ObjectKey, multipart: MultipartId) -> Sequence[Part]:
        """What has arrived, ascending; at most 10,000. Raises MultipartGone, Upstream."""
        ...

    async def complete(self, key: ObjectKey, multipart: MultipartId, parts: Sequence[Part]) -> Stored:
        """Put the parts together under `key`, replacing what was there; whole, visible and durable when this returns.

        Safe to repeat: what has been put together is described. Raises PartUnknown, PartsOutOfOrder, PartTooSmall,
        MultipartGone when it was aborted, StorageFull, Upstream.
        """
        ...

    async def abort(self, key: ObjectKey, multipart: MultipartId) -> None:
        """No part stays. Safe to repeat. What is being sent meanwhile may need a second call. Raises Upstream."""
        ...
