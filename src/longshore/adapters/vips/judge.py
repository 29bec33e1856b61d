"""What kind of picture this is, judged by its pixels at a bounded cost. Runs in workers only."""

from __future__ import annotations

import math
from itertools import product

import pyvips

from longshore.adapters.vips.save import save
from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import QualityLevel
from longshore.core.imaging.quality import LEVELS, SMART_RANGE, encoder_quality

_LOOKED_AT = 1 << 18  # pixels
_FLAT_SHARE = 0.5

_LUMA = [0.299, 0.587, 0.114]
_TILE = 128  # pixels; sides of a tile of the sample
_TILES = 8

#: SSIMULACRA2 of a picture by the mean square error m of its luma at half size: `_BEST - _SLOPE * ln(m + _FLOOR)`.
#: Fitted over photographs, sharp, soft, noisy and dim (deviation 3.1 points; 5.8 without looking at the picture).
_BEST, _SLOPE, _FLOOR = 83.4, 9.7, 0.05
#: How much of what a picture shows in JPEG it also shows in another format: WebP's own quality follows the picture.
_GAIN = {OutputFormat.JPEG: 1.0, OutputFormat.WEBP: 0.4, OutputFormat.AVIF: 0.8}


def is_opaque(image: pyvips.Image) -> bool:
    """Whether no pixel of an 8-bit picture lets anything through."""
    return not image.hasalpha() or image[image.bands - 1].avg() >= 255


def is_flat(image: pyvips.Image) -> bool:
    """Whether at least half of the neighbouring pixels are exactly equal: drawings, text and screenshots, which a
    lossy encoder smears and a lossless one packs well. Noise, grain and lens blur make photographs otherwise.

    Looks at about a quarter of a million pixels at most, in rows spread over the picture: 2 ms.
    """
    step = -(-image.width * image.height // _LOOKED_AT)
    if step > 1:
        image = image.subsample(1, min(step, image.height))
    if image.width < 2:
        return False
    left = image.crop(0, 0, image.width - 1, image.height)
    right = image.crop(1, 0, image.width - 1, image.height)
    return left.relational(right, "equal").bandand().avg() >= 255 * _FLAT_SHARE


def smart_score(image: pyvips.Image, level: QualityLevel, output: OutputFormat) -> float:
    """The score to ask of the encoder, as if this were the mean picture, so that this very picture gets the level's.

    Smooth and dim pictures show less of an encoder's errors than the mean one, noise and fine text more. A sample of at
    most 131,072 pixels is written twice as JPEG, at the mean picture's quality and at the one found from that, and its
    error measured: two encodings and decodings of so few pixels, whatever the size of the picture and the format that
    is asked for (10 ms of one core; the whole job, from 12 megapixels to 800x600, takes 50).
    """
    sample = tiles(image)
    truth = _half_luma(sample)
    target = wanted = LEVELS[level]
    for _ in range(2):
        content = save(sample, OutputFormat.JPEG, encoder_quality(OutputFormat.JPEG, wanted))
        loss = _half_luma(pyvips.Image.new_from_buffer(content, "")) - truth
        score = _BEST - _SLOPE * math.log((loss * loss).avg() + _FLOOR)
        wanted = min(max(wanted + target - score, target - SMART_RANGE), target + SMART_RANGE)
    return target + _GAIN[output] * (wanted - target)


def tiles(image: pyvips.Image) -> pyvips.Image:
    """The picture, or a chequer of eight tiles of it when it is larger than they are; without transparency."""
    if image.hasalpha():
        image = image.flatten(background=[128.0])
    if image.width * image.height <= _TILES * _TILE * _TILE or min(image.width, image.height) < _TILE:
        return image.crop(0, 0, min(image.width, _TILES * _TILE), min(image.height, _TILES * _TILE))
    across, down = (image.width - _TILE) / 3, (image.height - _TILE) / 3
    chequer = [
        image.crop(round(across * column), round(down * (2 * row + column % 2)), _TILE, _TILE)
        for row, column in product(range(2), range(4))
    ]
    return pyvips.Image.arrayjoin(chequer, across=4).copy_memory()


def _half_luma(image: pyvips.Image) -> pyvips.Image:
    # Not libvips' own grey, which goes through linear light and takes longer than all the rest.
    grey = image.recomb(pyvips.Image.new_from_array([_LUMA])) if image.bands > 2 else image.cast("float")
    return grey.shrink(min(2, image.width), min(2, image.height)).copy_memory()
