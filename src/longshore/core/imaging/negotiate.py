"""Which format to answer with: from the URL, the file and three classes of Accept header.

Only three, so that headers cannot multiply the cache (media rule 18).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from longshore.core.imaging.geometry import output_size
from longshore.core.imaging.limits import DEFAULT_LIMITS, ImageLimits
from longshore.core.imaging.operations import Format, FormatName, Operation
from longshore.core.media import ImageFacts

_ANIMATED = frozenset({"GIF", "WEBP"})
_READ = 2000  # characters of an Accept header that count; browsers send about 100


class AcceptClass(StrEnum):
    """What a client can show, as far as it matters here. `AVIF` implies WebP."""

    AVIF = "avif"
    WEBP = "webp"
    OTHER = "other"


class OutputFormat(StrEnum):
    """The formats this engine writes."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"

    @property
    def content_type(self) -> str:
        return f"image/{self.value}"


#: What `preserve` keeps; the rest becomes what every client shows, and an animation its first frame (contract 3.4).
_PRESERVED = {"JPEG": OutputFormat.JPEG, "PNG": OutputFormat.PNG}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The format to make, and whether another Accept header could have got another one (`Vary: Accept`).

    `others` may be written instead, where the finished pixels say so (`Encode`). `animated`: every frame is made, not
    only the first.
    """

    format: OutputFormat
    varies: bool
    others: tuple[OutputFormat, ...] = ()
    animated: bool = False


@lru_cache(maxsize=1024)
def accept_class(accept: str | None) -> AcceptClass:
    """The class of an Accept header. Only formats that are named count; `*/*` and `image/*` promise nothing."""
    named = {_media_type(part) for part in (accept or "")[:_READ].lower().split(",")}
    if "image/avif" in named:
        return AcceptClass.AVIF
    return AcceptClass.WEBP if "image/webp" in named else AcceptClass.OTHER


def _media_type(part: str) -> str:
    """The type of one element of an Accept header; empty when its weight is zero (RFC 9110 12.4.2)."""
    media_type, *parameters = (piece.strip() for piece in part.split(";"))
    refused = any(piece.startswith("q=") and piece[2:].strip("0.") == "" for piece in parameters)
    return "" if refused else media_type


def choose(
    operations: tuple[Operation, ...],
    accept: AcceptClass,
    facts: ImageFacts,
    limits: ImageLimits = DEFAULT_LIMITS,
) -> Choice:
    """The format for these operations on this file (contract 3.4, `format`); absent means auto."""
    asked = next((operation.value for operation in operations if isinstance(operation, Format)), FormatName.AUTO)
    match asked:
        case FormatName.WEBP:
            return Choice(format=OutputFormat.WEBP, varies=False, animated=is_animated(facts))
        case FormatName.JPEG | FormatName.PNG | FormatName.AVIF:
            return Choice(format=OutputFormat(asked.value), varies=False)
        case FormatName.PRESERVE if facts.format in _PRESERVED:
            return Choice(format=_PRESERVED[facts.format], varies=False)
        case FormatName.PRESERVE:
            return _plain(facts, varies=False)
        case FormatName.AUTO:
            return _auto(operations, accept, facts, limits)


def is_animated(facts: ImageFacts) -> bool:
    """Whether all frames of this file can be made. Animated AVIF and PNG count as their first frame."""
    return facts.sequence and facts.frames > 1 and facts.format in _ANIMATED


def _auto(operations: tuple[Operation, ...], accept: AcceptClass, facts: ImageFacts, limits: ImageLimits) -> Choice:
    if is_animated(facts):
        # Every client shows an animated GIF.
        output = OutputFormat.GIF if accept is AcceptClass.OTHER else OutputFormat.WEBP
        return Choice(format=output, varies=True, animated=True)
    if accept is AcceptClass.OTHER:
        return _plain(facts, varies=True)
    size = output_size(operations, facts)
    if accept is AcceptClass.AVIF and size.width * size.height <= limits.avif_pixels:
        return Choice(format=OutputFormat.AVIF, varies=True, others=(OutputFormat.WEBP,))
    return Choice(format=OutputFormat.WEBP, varies=True)


def _plain(facts: ImageFacts, *, varies: bool) -> Choice:
    """What every client shows: PNG where JPEG would lose transparency or smear few colours, else JPEG. What the file
    says is a guess; the finished pixels decide."""
    if facts.has_alpha or facts.color_mode in ("P", "PA", "1"):
        return Choice(format=OutputFormat.PNG, varies=varies, others=(OutputFormat.JPEG,))
    return Choice(format=OutputFormat.JPEG, varies=varies, others=(OutputFormat.PNG,))
