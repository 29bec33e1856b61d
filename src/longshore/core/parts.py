"""How a large file is cut into parts: S3's limits, kept by every store."""

from __future__ import annotations

from longshore.core.sizes import GIB, MIB

MAX_PARTS = 10_000
MIN_PART = 5 * MIB
"""Of every part but the last."""
MAX_PART = 5 * GIB
_USUAL = 8 * MIB


def part_size(size: int) -> int:
    """Bytes of every part but the last, such that MAX_PARTS of them suffice. In whole MiB; 525 for 5 TB."""
    least = -(-size // MAX_PARTS)
    return max(_USUAL, -(-least // MIB) * MIB)


def part_count(size: int) -> int:
    """An empty file is one empty part."""
    return max(1, -(-size // part_size(size)))


def part_length(size: int, number: int) -> int:
    """Bytes of part `number`, counted from 1. Raises ValueError when there is no such part."""
    if not 1 <= number <= part_count(size):
        raise ValueError(f"there is no part {number}")
    each = part_size(size)
    return min(each, size - each * (number - 1))
