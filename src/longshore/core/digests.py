"""The digests recorded for every file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Lower-case hex of the whole content: SHA-256 (64), MD5 (32), CRC-32C (8, big-endian)."""

    sha256: str
    md5: str
    crc32c: str
