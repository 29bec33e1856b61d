"""Answers in JSON: main colours, perceptual hash, BlurHash of a small picture. Runs in workers only."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import median

import pyvips
from PIL import Image

from longshore.adapters.vips.bands import in_colour, join, split
from longshore.adapters.vips.encode import plain
from longshore.core.imaging.documents import Document
from longshore.core.imaging.steps import Size

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_HASHED = 32  # pixels of the square that is hashed
_NOISE = 1e-6  # sums of cosines that should cancel out do not quite
_BLURHASH_SIDE = 32


def document(image: pyvips.Image, wanted: Document, result: Size | None) -> bytes:
    """The finished document about `image`, which is already small; `result` is the size when only pixels told it."""
    fields = json.loads(wanted.known)
    if result is not None:
        fields.update(width=result.width, height=result.height)
    picture = _paper(image)
    if wanted.colours:
        fields["main_colors"] = main_colours(picture, wanted.colours)
    else:
        fields.update(hash=perceptual_hash(picture), blurhash=blurhash(picture))
    text = json.dumps(fields)
    return (f"{wanted.callback}({text})" if wanted.callback else text).encode()


def main_colours(picture: Image.Image, count: int) -> list[tuple[int, ...]]:
    """Up to `count` colours, the most frequent first: median cut, then the means that k-means settles on."""
    found = picture.quantize(count, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    palette = found.getpalette() or []
    counts = sorted(found.getcolors(count) or [], key=lambda entry: -entry[0])
    return [tuple(palette[index * 3 : index * 3 + 3]) for _, index in counts if isinstance(index, int)]


def perceptual_hash(picture: Image.Image) -> str:
    """64 bits as 16 hexadecimal digits: which of the 8x8 lowest frequencies (DCT-II of 32x32 grey) lie above their
    median, the mean level left out. Equal or near for pictures that look alike."""
    grey = picture.convert("L").resize((_HASHED, _HASHED), Image.Resampling.LANCZOS).tobytes()
    rows = [grey[at : at + _HASHED] for at in range(0, len(grey), _HASHED)]
    waves = _waves(_HASHED, 8)
    across = [[_dot(row, wave) for wave in waves] for row in rows]
    found = [_dot([row[u] for row in across], waves[v]) for v in range(8) for u in range(8)]
    middle = median(found[1:])
    bits = sum(1 << (63 - index) for index, value in enumerate(found) if index and value > middle + _NOISE)
    return f"{bits:016x}"


def blurhash(picture: Image.Image, across: int = 4, down: int = 3) -> str:
    """The BlurHash (github.com/woltapp/blurhash, Algorithm.md) of `across` x `down` components."""
    picture = picture.copy()
    picture.thumbnail((_BLURHASH_SIDE, _BLURHASH_SIDE))
    width, height = picture.size
    light = [_light(value) for value in picture.tobytes()]
    wide, high = _cosines(width, across), _cosines(height, down)
    factors: list[tuple[float, float, float]] = []
    rows = [
        [[_dot(light[y * width * 3 + c : (y + 1) * width * 3 : 3], wave) for wave in wide] for c in range(3)]
        for y in range(height)
    ]
    for v in range(down):
        for u in range(across):
            scale = (1 if u == v == 0 else 2) / (width * height)
            red, green, blue = (_dot([row[c][u] for row in rows], high[v]) * scale for c in range(3))
            factors.append((red, green, blue))
    first, rest = factors[0], factors[1:]
    largest = max((abs(value) for factor in rest for value in factor), default=0.0)
    level = max(0, min(82, int(largest * 166 - 0.5)))
    reach = (level + 1) / 166
    mean = (_level(first[0]) << 16) + (_level(first[1]) << 8) + _level(first[2])
    text = _in_83((across - 1) + (down - 1) * 9, 1) + _in_83(level, 1) + _in_83(mean, 4)
    for factor in rest:
        red, green, blue = (max(0, min(18, math.floor(_root(value / reach) * 9 + 9.5))) for value in factor)
        text += _in_83(red * 19 * 19 + green * 19 + blue, 2)
    return text


def _paper(image: pyvips.Image) -> Image.Image:
    """RGB for Pillow, on white."""
    image = in_colour(plain(image))
    if image.hasalpha():
        image = image.flatten(background=[255, 255, 255])
    image = join(*split(image))
    return Image.frombytes("RGB", (image.width, image.height), image.write_to_memory())


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@lru_cache(maxsize=4)
def _waves(size: int, count: int) -> list[list[float]]:
    """Cosines of the DCT-II: sampled at the middle of each pixel."""
    return [[math.cos(math.pi * u * (2 * x + 1) / (2 * size)) for x in range(size)] for u in range(count)]


def _cosines(size: int, count: int) -> list[list[float]]:
    """Cosines of BlurHash: sampled at the left of each pixel."""
    return [[math.cos(math.pi * u * x / size) for x in range(size)] for u in range(count)]


def _light(value: int) -> float:
    c = value / 255
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


def _level(light: float) -> int:
    light = max(0.0, min(1.0, light))
    return int((light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055) * 255 + 0.5)


def _root(value: float) -> float:
    return math.copysign(abs(value) ** 0.5, value)


def _in_83(value: int, length: int) -> str:
    return "".join(_DIGITS[value // 83**place % 83] for place in range(length - 1, -1, -1))
