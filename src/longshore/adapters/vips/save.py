"""The encoders with their settings: pixels in, bytes out, at a number on the encoder's own scale. Runs in workers only.

Settings were chosen by cost on our corpus, bytes at equal SSIMULACRA2 (`benchmarks/engine/encoders.py` prints them):

- JPEG: Huffman tables made for the picture, and mozjpeg's quantisation table 3 (Robidoux), which is free and gives 10
  per cent fewer bytes on photographs; on flat pictures table 2 is the better one. Trellis quantisation takes ten times
  as long and gains nothing by this metric. Colour at half resolution below quality 93: at equal quality full resolution
  costs 15 per cent on photographs and gains nothing on text.
- WebP effort 2 and AVIF effort 0 cost a fraction of the libraries' defaults for a few per cent more bytes (media.md 2).
- PNG level 6, and a palette wherever it is exact.

Whatever changes bytes here asks for a new `ENCODER_GENERATION` in `core/imaging/transformation.py`, and for a new table
in `core/imaging/quality.py` (`python -m benchmarks.engine.calibrate`).
"""

from __future__ import annotations

from typing import assert_never

import pyvips
from PIL import Image
from pyvips.enums import ForeignKeep

from longshore.core.imaging.negotiate import OutputFormat

_TABLE_PHOTO = 3
_TABLE_FLAT = 2
_FULL_COLOUR = 93
_WEBP_EFFORT = 2
_AVIF_EFFORT = 0
_PNG_LEVEL = 6
_GIF_EFFORT = 3  # of 10: imagequant's speed; above, it is several times slower for one per cent


def save(
    image: pyvips.Image,
    output: OutputFormat,
    quality: int,
    *,
    flat: bool = False,
    progressive: bool = False,
    keep: int = ForeignKeep.NONE,
) -> bytes:
    """The bytes of `image` (8 bits, grey or sRGB) in a format, at the encoder's `quality` 1 to 100.

    `flat`: a drawing, a screenshot or text. An image with a page height is an animation; only WebP and GIF keep its
    frames. JPEG must come without alpha. Raises pyvips.Error.
    """
    match output:
        case OutputFormat.JPEG:
            return image.jpegsave_buffer(
                Q=quality,
                optimize_coding=True,
                quant_table=_TABLE_FLAT if flat else _TABLE_PHOTO,
                subsample_mode="off" if quality >= _FULL_COLOUR else "on",
                interlace=progressive,
                keep=keep,
            )
        case OutputFormat.PNG:
            return save_exactly(image, output, keep=keep)
        case OutputFormat.WEBP:
            return image.webpsave_buffer(Q=quality, effort=_WEBP_EFFORT, keep=keep)
        case OutputFormat.GIF:
            return image.gifsave_buffer(effort=_GIF_EFFORT, keep=keep)
        case OutputFormat.AVIF:
            return image.heifsave_buffer(compression="av1", Q=quality, effort=_AVIF_EFFORT, keep=keep)
        case _:
            assert_never(output)


def save_exactly(image: pyvips.Image, output: OutputFormat, *, keep: int = ForeignKeep.NONE) -> bytes:
    """As `save`, without any loss: PNG or WebP."""
    if output is OutputFormat.WEBP:
        return image.webpsave_buffer(lossless=True, effort=_WEBP_EFFORT, keep=keep)
    if _has_few_colours(image):
        small = image.pngsave_buffer(compression=_PNG_LEVEL, keep=keep, palette=True, Q=100, dither=0)
        # The palette is made by a quantiser that promises nothing.
        again = pyvips.Image.new_from_buffer(small, "")
        if (again.bands, again.width) == (image.bands, image.width) and again.relational(image, "equal").avg() == 255:
            return small
    return image.pngsave_buffer(compression=_PNG_LEVEL, keep=keep)


def _has_few_colours(image: pyvips.Image) -> bool:
    """Whether a palette of 256 holds them all. Stops at the 257th, so only pictures made of few colours cost a pass."""
    if image.bands < 3:
        return False  # a grey picture needs no palette
    mode = "RGB" if image.bands == 3 else "RGBA"
    pixels = Image.frombuffer(mode, (image.width, image.height), image.write_to_memory(), "raw", mode, 0, 1)
    return pixels.getcolors(256) is not None
