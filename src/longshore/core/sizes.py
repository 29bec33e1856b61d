"""Sizes in bytes, and the numbers that outsiders write."""

from __future__ import annotations

import re

from longshore.core.errors import Invalid

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
MAX_SIZE = 5 * TIB
"""The largest file any API takes: S3's own limit for one object."""

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": KIB,
    "mib": MIB,
    "gib": GIB,
    "tib": TIB,
}
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))?\s*([a-zA-Z]*)")


class BadSize(Invalid):
    """A size that is not one."""

    code = "bad-size"
    title = "The size is not valid"


def parse_int(text: str) -> int | None:
    """ASCII decimal digits that fit in 63 bits; None for all else (`int()` takes Unicode digits, `_`, signs)."""
    if not text or len(text) > 19 or not text.isascii() or not text.isdigit():
        return None
    value = int(text)
    return value if value < 1 << 63 else None


def announced_size(content_length: str) -> int:
    """A `Content-Length` that has passed an HTTP parser. One that does not fit in 63 bits is larger than any limit."""
    size = parse_int(content_length)
    return (1 << 63) - 1 if size is None else size


def parse_size(text: str) -> int:
    """`"10 MB"` is 10,000,000, `"10 MiB"` is 10,485,760, a bare number is bytes. Raises BadSize."""
    m = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get(m[3].lower()) if m else None
    if m is None or unit is None:
        raise BadSize(f"{text[:40]!r} is not a size; write for example 500 KB, 10 MB or 2 GiB")
    return int(m[1]) * unit + (int(m[2]) * unit // 10 ** len(m[2]) if m[2] else 0)


def show_size(size: int) -> str:
    """For people: `10.0 MB`."""
    for unit, word in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if size >= unit:
            return f"{size / unit:.1f} {word}"
    return f"{size} bytes"
