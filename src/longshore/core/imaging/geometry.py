"""Sizes: what each operation makes of the size before it. Exact, in integers, so that a plan can promise them."""

from __future__ import annotations

from typing import NamedTuple

from longshore.core.imaging.operations import Autorotate, Operation, Preview, Resize
from longshore.core.media import ImageFacts


class Size(NamedTuple):
    """Pixels; both sides at least 1."""

    width: int
    height: int


def source_size(operations: tuple[Operation, ...], facts: ImageFacts) -> Size:
    """The size the first operation sees: with the EXIF orientation applied, unless `autorotate/no` was asked for."""
    if is_rotated(operations) or (facts.orientation or 1) < 5:
        return Size(facts.width, facts.height)
    return Size(facts.height, facts.width)


def is_rotated(operations: tuple[Operation, ...]) -> bool:
    """Whether the EXIF orientation is applied before everything else."""
    return not any(isinstance(operation, Autorotate) and not operation.enabled for operation in operations)


def resulting(operation: Operation, size: Size) -> Size:
    """The size after `operation`."""
    match operation:
        case Preview(width=width, height=height):
            return _fitted(size, width, height)
        case Resize(width=int(width), height=int(height)):
            return Size(width, height)
        case Resize(width=int(width), height=None):
            return Size(width, _share(size.height, width, size.width))
        case Resize(width=None, height=int(height)):
            return Size(_share(size.width, height, size.height), height)
        case _:
            return size


def output_size(operations: tuple[Operation, ...], facts: ImageFacts) -> Size:
    """The size of the answer, in pixels."""
    size = source_size(operations, facts)
    for operation in operations:
        size = resulting(operation, size)
    return size


def _fitted(size: Size, width: int, height: int) -> Size:
    if size.width <= width and size.height <= height:
        return size
    # Compare W/w with H/h without division: the tighter side is met exactly, the other is rounded.
    if width * size.height <= height * size.width:
        return Size(width, min(height, _share(size.height, width, size.width)))
    return Size(min(width, _share(size.width, height, size.height)), height)


def _share(side: int, new: int, old: int) -> int:
    """`side` scaled by new/old, rounded half up, at least 1."""
    return max(1, (2 * side * new + old) // (2 * old))
