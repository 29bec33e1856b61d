"""HTTP byte ranges (RFC 9110, section 14), one range at a time."""

from __future__ import annotations

from dataclasses import dataclass

from longshore.core.errors import Invalid
from longshore.core.sizes import parse_int


class UnsatisfiableRange(Invalid):
    """The range lies outside the content (HTTP 416)."""

    code = "unsatisfiable-range"
    title = "The requested range lies outside the file"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`start` inclusive, `end` exclusive."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.end - 1}/{size}"


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The range asked for, or None when the whole should be sent (no header, other units, malformed, several ranges).

    A server may ignore `Range`; several ranges at once are ignored on purpose. Raises UnsatisfiableRange.
    """
    if not header or not header.startswith("bytes="):
        return None
    spec = header[6:].strip()
    if "," in spec:
        return None
    first, dash, last = (part.strip() for part in spec.partition("-"))
    if not dash:
        return None
    if first == "":
        suffix = parse_int(last)
        if suffix is None:
            return None
        if suffix == 0 or size == 0:
            raise UnsatisfiableRange(size=size)
        return ByteRange(max(0, size - suffix), size)
    start = parse_int(first)
    end = parse_int(last) if last else size - 1
    if start is None or end is None or (last and end < start):
        return None
    if start >= size:
        raise UnsatisfiableRange(size=size)
    return ByteRange(start, min(end, size - 1) + 1)
