"""From operations and facts to a plan: what a renderer has to do, folded so that pixels are touched as little as
possible.

A plan is plain values (numbers, words, tuples), so it can travel to another process. Its output size is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

from longshore.core.imaging.geometry import Size, is_rotated, resulting, source_size
from longshore.core.imaging.limits import DEFAULT_LIMITS, ImageLimits, check_input, check_output
from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.operations import (
    Metadata,
    Operation,
    Preview,
    Progressive,
    Quality,
    QualityLevel,
    StripMeta,
)
from longshore.core.media import ImageFacts

#: Rough milliseconds of one core per megapixel, from media.md 2. Only their order matters: they choose a queue.
_DECODE_COST = {"JPEG": 4, "PNG": 8, "WEBP": 10, "AVIF": 22, "HEIF": 45, "GIF": 10, "TIFF": 6, "SVG": 50}
_ENCODE_COST = {OutputFormat.JPEG: 8, OutputFormat.PNG: 60, OutputFormat.WEBP: 50, OutputFormat.AVIF: 90}
_HEAVY = 400
"""Milliseconds above which a job waits in the heavy queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """What is read: Pillow's format name, the size of the stored pixels (before any rotation), and whether the EXIF
    orientation is applied. A renderer checks them against the bytes."""

    format: str
    width: int
    height: int
    rotated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Resample to exactly this size in pixels."""

    width: int
    height: int


Step = Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode:
    """What is written."""

    format: OutputFormat
    quality: QualityLevel
    progressive: bool
    strip: Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Decode, steps in order, encode; the promised size of the result in pixels; `cost` in rough milliseconds."""

    decode: Decode
    steps: tuple[Step, ...]
    encode: Encode
    width: int
    height: int
    cost: int

    @property
    def is_heavy(self) -> bool:
        return self.cost > _HEAVY


def make_plan(
    operations: tuple[Operation, ...],
    facts: ImageFacts,
    choice: Choice,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> Plan:
    """Fold `operations` on an image of these `facts` into a plan that writes `choice.format`.

    Raises MediaTooLarge (the source) or BadOperation (the result would be too large).
    """
    check_input(facts, limits)
    source = source_size(operations, facts)
    sizes = [source]
    is_jpeg = choice.format is OutputFormat.JPEG and not choice.varies
    for operation in operations:
        sizes.append(resulting(operation, sizes[-1]))
        # Each size on the way counts: an enormous intermediate costs as much as an enormous result.
        if sizes[-1] != sizes[-2]:
            check_output(*sizes[-1], is_jpeg=is_jpeg, limits=limits)
    result = sizes[-1]
    check_output(*result, is_jpeg=is_jpeg, limits=limits)
    rotated = is_rotated(operations)
    stored = source if not rotated or (facts.orientation or 1) < 5 else Size(source.height, source.width)
    return Plan(
        decode=Decode(format=facts.format, width=stored.width, height=stored.height, rotated=rotated),
        steps=tuple(Scale(width=size.width, height=size.height) for size in _folded(sizes)),
        encode=_encode(operations, choice.format),
        width=result.width,
        height=result.height,
        cost=_cost(facts, result, choice.format),
    )


def preview_plan(facts: ImageFacts, side: int = 320, limits: ImageLimits = DEFAULT_LIMITS) -> Plan:
    """The small WebP that is made of every image: fits a square of `side` pixels. Raises MediaTooLarge."""
    return make_plan((Preview(width=side, height=side),), facts, Choice(format=OutputFormat.WEBP, varies=False), limits)


def _folded(sizes: list[Size]) -> list[Size]:
    """The sizes really scaled to, of a chain that starts at `sizes[0]`.

    A stop is left out when it loses nothing that its neighbours do not lose: on each axis it is at least as large as
    the size before it or the size after it. (Down and then up must stay blurred; down twice need not.)
    """
    kept = [sizes[0]]
    for size in sizes[1:]:
        while len(kept) > 1 and _is_lossless_stop(kept[-2], kept[-1], size):
            kept.pop()
        if size != kept[-1]:
            kept.append(size)
    return kept[1:]


def _is_lossless_stop(before: Size, stop: Size, after: Size) -> bool:
    return all(middle >= min(first, last) for first, middle, last in zip(before, stop, after, strict=True))


def _encode(operations: tuple[Operation, ...], output: OutputFormat) -> Encode:
    quality, progressive, strip = QualityLevel.NORMAL, False, Metadata.ALL
    for operation in operations:
        match operation:
            case Quality(level=level):
                quality = level
            case Progressive(enabled=enabled):
                progressive = enabled
            case StripMeta(what=what):
                strip = what
            case _:
                pass
    return Encode(format=output, quality=quality, progressive=progressive, strip=strip)


def _cost(facts: ImageFacts, result: Size, output: OutputFormat) -> int:
    decoded = result if facts.format == "SVG" else Size(facts.width, facts.height)
    # A progressive JPEG or interlaced PNG keeps the whole picture in memory and cannot be shrunk while it is read.
    per_megapixel = _DECODE_COST.get(facts.format, 20) * (3 if facts.progressive else 1)
    decode = decoded.width * decoded.height * per_megapixel
    encode = result.width * result.height * (_ENCODE_COST[output] + 4)
    return (decode + encode) // 1_000_000
