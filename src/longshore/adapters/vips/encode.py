"""Writing pictures: which of the formats that the plan allows, at which quality, with which metadata. Workers only.

Which format, where the plan leaves a choice: transparency rules JPEG out. Drawings, screenshots and text (`is_flat`)
are also written without loss, which is cheap for them, and pictures up to 128x128 also in the other lossy format,
because headers weigh most there; the smaller file is sent, the lossless one when they are equal. Of anything else only
the expected format is written.
"""

from __future__ import annotations

from typing import NamedTuple

import pyvips

from longshore.adapters.vips.judge import is_flat, is_opaque, smart_score
from longshore.adapters.vips.save import save, save_exactly
from longshore.adapters.vips.strip import stripped
from longshore.core.imaging.encoding import Encode
from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.quality import LEVELS, PER_PICTURE, encoder_quality

_TINY = 128 * 128  # pixels
_LOSSY = frozenset({OutputFormat.JPEG, OutputFormat.WEBP, OutputFormat.AVIF})


class Encoded(NamedTuple):
    """A finished file."""

    content: bytes
    format: OutputFormat


def encode(image: pyvips.Image, how: Encode, *, source_quality: int | None = None) -> Encoded:
    """The finished file, 8 bits a channel. An image with several pages is an animation.

    `source_quality`: what `jpeg_quality` said of the source, when that is a JPEG whose losses are still in the pixels;
    no JPEG is written at a higher one. Raises pyvips.Error.
    """
    image = plain(image)
    image, keep = stripped(image, how)
    if image.get_n_pages() > 1:
        return Encoded(save(image, how.format, _quality(image, how, how.format, source_quality), keep=keep), how.format)
    if image.hasalpha() and is_opaque(image):
        image = image[: image.bands - 1]
    formats = list(how.formats)
    if image.hasalpha():
        if OutputFormat.PNG in formats:
            formats = [output for output in formats if output is not OutputFormat.JPEG]
        elif formats == [OutputFormat.JPEG]:
            image = image.flatten(background=[float(value) for value in how.paper])
    flat = is_flat(image)
    made = [
        Encoded(_written(image, how, output, source_quality, flat, keep), output)
        for output in _candidates(image, formats, flat=flat)
    ]
    if flat and OutputFormat.WEBP in formats:
        made.insert(0, Encoded(save_exactly(image, OutputFormat.WEBP, keep=keep), OutputFormat.WEBP))
    return min(made, key=lambda encoded: len(encoded.content))


def plain(image: pyvips.Image) -> pyvips.Image:
    """Grey or RGB, 8 bits: what every encoder here takes and every client shows."""
    if image.interpretation not in ("srgb", "b-w"):
        image = image.colourspace("b-w" if image.bands < 3 else "srgb")
    return image if image.format == "uchar" else image.cast("uchar")


def _candidates(image: pyvips.Image, formats: list[OutputFormat], *, flat: bool) -> list[OutputFormat]:
    """The formats worth writing, lossless ones first."""
    expected = formats[0]
    lossless = [OutputFormat.PNG] if OutputFormat.PNG in formats and (flat or len(formats) == 1) else []
    lossy = [output for output in formats if output in _LOSSY]
    if not lossy:
        return [expected]
    if image.width * image.height > _TINY:
        lossy = lossy[:1]
    return lossless + lossy


def _written(
    image: pyvips.Image, how: Encode, output: OutputFormat, source_quality: int | None, flat: bool, keep: int
) -> bytes:
    if output is OutputFormat.PNG:
        return save_exactly(image, output, keep=keep)
    quality = _quality(image, how, output, source_quality, flat=flat)
    return save(image, output, quality, flat=flat, progressive=how.progressive, keep=keep)


def _quality(
    image: pyvips.Image, how: Encode, output: OutputFormat, source_quality: int | None, *, flat: bool = False
) -> int:
    """The number for the encoder. Unused by lossless formats."""
    if output not in _LOSSY:
        return 100
    # What predicts scores was fitted on photographs; and an animation's frames would each want another level.
    is_smart = how.quality in PER_PICTURE and not flat and image.get_n_pages() == 1
    quality = encoder_quality(output, smart_score(image, how.quality, output) if is_smart else LEVELS[how.quality])
    return min(quality, source_quality) if output is OutputFormat.JPEG and source_quality else quality
