"""Colour and transparency of a picture, apart and together again. Runs in workers only.

Pictures between steps are 8 bits a channel: grey or sRGB, with or without alpha as the last band.
"""

from __future__ import annotations

import pyvips

from longshore.adapters.vips.encode import plain
from longshore.core.imaging.operations.values import Colour

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, as JPEG and Pillow have it."""


def split(image: pyvips.Image) -> tuple[pyvips.Image, pyvips.Image | None]:
    """The colour bands (one or three) and the alpha band."""
    image = plain(image)
    if not image.hasalpha():
        return image, None
    return image.extract_band(0, n=image.bands - 1), image.extract_band(image.bands - 1)


def join(colour: pyvips.Image, alpha: pyvips.Image | None) -> pyvips.Image:
    image = colour if alpha is None else colour.bandjoin(alpha)
    return image.copy(interpretation="b-w" if image.bands < 3 else "srgb")


def in_colour(image: pyvips.Image) -> pyvips.Image:
    """Three colour bands, also of a grey picture."""
    colour, alpha = split(image)
    return image if colour.bands == 3 else join(colour.bandjoin([colour, colour]), alpha)


def with_alpha(image: pyvips.Image) -> pyvips.Image:
    return image if image.hasalpha() else join(image, (image.extract_band(0) * 0 + 255).cast("uchar"))


def rounded(image: pyvips.Image) -> pyvips.Image:
    """Any numbers as 8 bits: to the nearest, clipped."""
    return (image + 0.5).cast("uchar")


def luma(colour: pyvips.Image) -> pyvips.Image:
    """One band of floats."""
    if colour.bands == 1:
        return colour.cast("float")
    return colour.recomb(pyvips.Image.new_from_array([list(LUMA)]))


def canvas(width: int, height: int, colour: Colour, *, alpha: bool) -> pyvips.Image:
    """A picture of one colour, with the alpha band if asked for."""
    values = list(colour) if alpha else list(colour[:3])
    blank = pyvips.Image.black(width, height, bands=len(values))
    return (blank + values).cast("uchar").copy(interpretation="srgb")
