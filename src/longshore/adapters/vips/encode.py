"""Writing pictures. Runs in workers only.

Whatever changes bytes here asks for a new `ENCODER_GENERATION` in `core/imaging/transformation.py`.
"""

from __future__ import annotations

from typing import assert_never

import pyvips
from pyvips.enums import ForeignKeep

from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import Metadata, QualityLevel
from longshore.core.imaging.plan import Encode

#: Encoder quality by level, in the order JPEG, WebP, AVIF. Sizes beside normal are the contract's (better 125 %, best
#: 170 %, lighter 80 %, lightest 50 %), measured on photographs of 800x600.
_QUALITY = {
    QualityLevel.NORMAL: (80, 80, 60),
    QualityLevel.BETTER: (86, 85, 67),
    QualityLevel.BEST: (90, 91, 78),
    QualityLevel.LIGHTER: (71, 74, 55),
    QualityLevel.LIGHTEST: (41, 40, 44),
    QualityLevel.SMART: (80, 80, 60),
    QualityLevel.SMART_RETINA: (56, 55, 47),
}

#: First answers: WebP effort 2 and AVIF effort 0 cost a fraction of the libraries' defaults for a few per cent more
#: bytes (media.md 2).
_WEBP_EFFORT = 2
_AVIF_EFFORT = 0
_PNG_LEVEL = 6

#: What tells on people: place, serial numbers, makers' notes, and a thumbnail that may show what was cropped away.
_SENSITIVE_PREFIXES = ("exif-ifd1-", "exif-ifd3-")
_SENSITIVE_ENDINGS = ("SerialNumber", "-MakerNote", "-CameraOwnerName", "-OwnerName", "-UserComment", "-ImageUniqueID")
_SENSITIVE_FIELDS = ("jpeg-thumbnail-data", "xmp-data", "iptc-data")

_PAPER = [255.0, 255.0, 255.0]
"""What shows through where JPEG has no transparency."""


def encode(image: pyvips.Image, how: Encode) -> bytes:
    """The bytes of the finished file, 8 bits a channel."""
    image = plain(image)
    keep = _keep(how.strip)
    if how.strip is Metadata.SENSITIVE:
        image = _without_sensitive(image)
    jpeg, webp, avif = _QUALITY[how.quality]
    match how.format:
        case OutputFormat.JPEG:
            if image.hasalpha():
                image = image.flatten(background=_PAPER)
            return image.jpegsave_buffer(Q=jpeg, optimize_coding=True, interlace=how.progressive, keep=keep)
        case OutputFormat.PNG:
            return image.pngsave_buffer(compression=_PNG_LEVEL, keep=keep)
        case OutputFormat.WEBP:
            return image.webpsave_buffer(Q=webp, effort=_WEBP_EFFORT, keep=keep)
        case OutputFormat.AVIF:
            return image.heifsave_buffer(compression="av1", Q=avif, effort=_AVIF_EFFORT, keep=keep)
        case _:
            assert_never(how.format)


def plain(image: pyvips.Image) -> pyvips.Image:
    """Grey or sRGB, 8 bits: what every encoder here takes and every client shows."""
    if image.interpretation not in ("srgb", "b-w"):
        image = image.colourspace("b-w" if image.bands < 3 else "srgb")
    return image if image.format == "uchar" else image.cast("uchar")


def _keep(strip: Metadata) -> int:
    match strip:
        case Metadata.ALL:
            return ForeignKeep.NONE  # the pixels are sRGB by now, so no profile is needed either
        case Metadata.NONE:
            return ForeignKeep.ALL
        case Metadata.SENSITIVE:
            return ForeignKeep.EXIF | ForeignKeep.ICC


def _without_sensitive(image: pyvips.Image) -> pyvips.Image:
    image = image.copy()
    for field in image.get_fields():
        if field.startswith(_SENSITIVE_PREFIXES) or field.endswith(_SENSITIVE_ENDINGS) or field in _SENSITIVE_FIELDS:
            image.remove(field)
    return image
