"""What is written at the end of a plan: the format or those to choose among, its quality, profile and metadata."""

from __future__ import annotations

from dataclasses import dataclass

from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.operations import (
    Colour,
    MaxIccSize,
    Metadata,
    Operation,
    Profile,
    Progressive,
    Quality,
    QualityLevel,
    SetFill,
    Srgb,
    StripMeta,
)

_WHITE = Colour(255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode:
    """What is written.

    `format` is expected; the renderer may write one of `others` instead where the finished pixels ask for it: PNG where
    JPEG would lose transparency, the smaller of two where both are cheap. `max_profile`: the largest colour profile, in
    bytes, that may stay in the file. `paper`: red, green, blue of what shows through where the format knows no
    transparency.
    """

    format: OutputFormat
    others: tuple[OutputFormat, ...] = ()
    quality: QualityLevel = QualityLevel.NORMAL
    progressive: bool = False
    strip: Metadata = Metadata.ALL
    profile: Profile = Profile.FAST
    max_profile: int = 10 << 10
    paper: tuple[int, int, int] = _WHITE[:3]

    @property
    def formats(self) -> tuple[OutputFormat, ...]:
        return (self.format, *self.others)


def make_encode(operations: tuple[Operation, ...], choice: Choice) -> Encode:
    """What `operations` say about the file; what they leave out has the defaults of `Encode`."""
    quality, progressive, strip = QualityLevel.NORMAL, False, Metadata.ALL
    profile, largest, paper = Profile.FAST, MaxIccSize().kilobytes, _WHITE
    for operation in operations:
        match operation:
            case Quality(level=level):
                quality = level
            case Progressive(enabled=enabled):
                progressive = enabled
            case StripMeta(what=what):
                strip = what
            case Srgb(profile=wanted):
                profile = wanted
            case MaxIccSize(kilobytes=kilobytes):
                largest = kilobytes
            case SetFill(colour=colour):
                paper = colour
            case _:
                pass
    return Encode(
        format=choice.format,
        others=choice.others,
        quality=quality,
        progressive=progressive,
        strip=strip,
        profile=profile,
        max_profile=largest << 10,
        paper=paper[:3],
    )
