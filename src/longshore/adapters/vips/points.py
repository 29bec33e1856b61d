"""Operations on the colour of each pixel. Runs in workers only.

Formulas stand with the operations (`core/imaging/operations/colour.py`). Curves of single channels that follow each
other become one table of 256 values a channel, exact and clipped after each; where channels mix, values are rounded to
8 bits, as they would be by themselves.
"""

from __future__ import annotations

import pyvips

from longshore.adapters.vips.bands import LUMA, in_colour, join, luma, rounded, split
from longshore.core.imaging.steps import Stage

Curve = list[float]
"""What becomes of each of the 256 levels, from 0 to 1."""

_IDENTITY = [level / 255 for level in range(256)]
_MIXING = frozenset({"saturation", "vibrance", "grayscale"})


def pointed(image: pyvips.Image, stages: tuple[Stage, ...]) -> pyvips.Image:
    """`stages` on `image`, in order."""
    curves: list[Stage] = []
    for stage in stages:
        if stage.name in _MIXING:
            image = _mixed(_curved(image, curves), stage)
            curves = []
        else:
            curves.append(stage)
    return _curved(image, curves)


def enhanced(image: pyvips.Image, amount: int) -> pyvips.Image:
    """Levels, contrast and saturation from the picture's own histogram, blended by `amount` per cent."""
    colour, alpha = split(image)
    low, high = _range(rounded(luma(colour)))
    gain = min(2.0, 255 / max(1, high - low))
    centre = (low + high) / 2 / 255
    # Where the gain is bounded, the middle of the range still goes to the middle.
    levels = [_clipped((c - centre) * gain + 0.5) for c in _IDENTITY]
    strong = _curve(Stage("contrast", 10), levels)
    made = _mixed(_mapped(colour, [strong]), Stage("saturation", 15))
    share = amount / 100
    return join(rounded(colour * (1 - share) + made * share), alpha)


def _range(grey: pyvips.Image) -> tuple[int, int]:
    """The levels below and above which lie 0.5 % of the pixels each."""
    counts = memoryview(grey.hist_find().write_to_memory()).cast("I").tolist()
    few, below, low, high = grey.width * grey.height * 0.005, 0, 0, 255
    for level, count in enumerate(counts):
        below += count
        if below > few:
            low = level
            break
    above = 0
    for level in range(len(counts) - 1, -1, -1):
        above += counts[level]
        if above > few:
            high = level
            break
    return low, max(high, low)


def _mixed(image: pyvips.Image, stage: Stage) -> pyvips.Image:
    """A stage that looks at all channels of a pixel."""
    colour, alpha = split(image)
    if colour.bands == 1:
        return image  # grey has no saturation
    share = stage.amount / 100
    match stage.name:
        case "grayscale":
            made = rounded(luma(colour))
        case "saturation":
            rows = [
                [weight * -share + (1 + share if row == column else 0) for column, weight in enumerate(LUMA)]
                for row in range(3)
            ]
            made = rounded(colour.recomb(pyvips.Image.new_from_array(rows)))
        case _:  # vibrance
            red, green, blue = (colour.extract_band(band) for band in range(3))
            largest, smallest = red.bandrank([green, blue], index=2), red.bandrank([green, blue], index=0)
            grey = luma(colour)
            factor = (largest - smallest) * (-share / 255) + (1 + share)
            made = rounded((colour - grey) * factor + grey)
    return join(made, alpha)


def _curved(image: pyvips.Image, stages: list[Stage]) -> pyvips.Image:
    """Stages that look at one channel each, by one table."""
    if not stages:
        return image
    if any(stage.name == "warmth" for stage in stages):
        image = in_colour(image)
        curves = [_folded(stages, channel) for channel in range(3)]
    else:
        curves = [_folded(stages, 1)]
    colour, alpha = split(image)
    return join(_mapped(colour, curves), alpha)


def _mapped(colour: pyvips.Image, curves: list[Curve]) -> pyvips.Image:
    tables = [bytes(int(value * 255 + 0.5) for value in curve) for curve in curves]
    content = bytes(value for levels in zip(*tables, strict=True) for value in levels)
    return colour.maplut(pyvips.Image.new_from_memory(content, 256, 1, len(tables), "uchar"))


def _folded(stages: list[Stage], channel: int) -> Curve:
    curve = _IDENTITY
    for stage in stages:
        curve = _curve(stage, curve, channel)
    return curve


def _curve(stage: Stage, before: Curve, channel: int = 1) -> Curve:
    """`before` with one more stage behind it, clipped."""
    amount = stage.amount / 100
    match stage.name:
        case "brightness":
            return [_clipped(c + stage.amount / 255) for c in before]
        case "exposure":
            return [_clipped(_encoded(_decoded(c) * 2**amount)) for c in before]
        case "gamma":
            return [c**amount for c in before]
        case "contrast":
            return [_clipped((c - 0.5) * (1 + amount) + 0.5) for c in before]
        case "warmth":
            return [_clipped(c * (1 + amount / 4 * (1, 0, -1)[channel])) for c in before]
        case "invert":
            return [1 - c for c in before]
        case _:
            raise ValueError(f"no such stage: {stage.name}")


def _clipped(value: float) -> float:
    return min(1.0, max(0.0, value))


def _decoded(c: float) -> float:
    """sRGB to linear light (IEC 61966-2-1)."""
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


def _encoded(light: float) -> float:
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
