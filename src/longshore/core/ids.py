"""Identifiers and secrets. Public ids are random UUIDv4; internal rows are UUIDv7, so they sort by time.

Randomness enters the product here only, through `Ids`, so that tests can make it stand still.
"""

from __future__ import annotations

import secrets
import time
from typing import NewType, Protocol
from uuid import UUID, uuid4

FileId = NewType("FileId", UUID)
"""The uuid of an upload and of the file it becomes. Public, so never a capability."""
ProjectId = NewType("ProjectId", int)
KeyId = NewType("KeyId", int)
WebhookId = NewType("WebhookId", int)
JobId = NewType("JobId", UUID)
EventId = NewType("EventId", UUID)


class Ids(Protocol):
    """Where new identifiers and secrets come from."""

    def uuid4(self) -> UUID:
        """A random public id."""
        ...

    def uuid7(self) -> UUID:
        """An internal id that sorts by the time it was made (RFC 9562)."""
        ...

    def token(self, octets: int = 16) -> str:
        """`octets` random bytes, URL-safe base64 without padding."""
        ...


class RandomIds:
    """The operating system's randomness."""

    def uuid4(self) -> UUID:
        return uuid4()

    def uuid7(self) -> UUID:
        stamp = time.time_ns() // 1_000_000
        value = (stamp & (1 << 48) - 1) << 80 | secrets.randbits(80)
        value = value & ~(0xF << 76) | 7 << 76
        value = value & ~(0x3 << 62) | 0x2 << 62
        return UUID(int=value)

    def token(self, octets: int = 16) -> str:
        return secrets.token_urlsafe(octets)


def parse_file_id(text: str) -> FileId | None:
    """The canonical 36-character form, any case; None for anything else (`UUID()` itself takes braces and more)."""
    if len(text) != 36 or not text.isascii() or text[8] != "-" or text[13] != "-" or text[18] != "-" or text[23] != "-":
        return None
    try:
        return FileId(UUID(text))
    except ValueError:
        return None
