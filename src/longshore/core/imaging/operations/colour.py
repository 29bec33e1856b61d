"""Operations on the colour of each pixel, and on its neighbourhood.

The contract names ranges, neutral values and a few effects; the formulas are ours and stand in each docstring. `c` is a
channel from 0 to 1 in sRGB as it is stored (not linear light), `v` the parameter, `luma` is 0.299 R + 0.587 G + 0.114 B
(ITU-R BT.601, what Pillow and JPEG use). Results are clipped to 0..1 after each operation; transparency stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from longshore.core.imaging.operations.values import Acting, Box, Position, Repeating


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(Acting):
    """An operation with one integer from `low` to `high`; `neutral` changes nothing."""

    amount: int

    name: ClassVar[str]
    low: ClassVar[int]
    high: ClassVar[int]
    neutral: ClassVar[int] = 0
    default: ClassVar[int | None] = None
    """What a missing parameter means; None: it must be there."""

    @property
    def canonical(self) -> str:
        return f"{self.name}/{self.amount}"

    @property
    def is_neutral(self) -> bool:
        return self.amount == self.neutral


class Brightness(Adjustment):
    """`brightness/-100..100`: c + v/255: levels added to every channel."""

    __slots__ = ()
    name, low, high = "brightness", -100, 100


class Exposure(Adjustment):
    """`exposure/-500..500`: v/100 stops, in linear light: encode(decode(c) * 2^(v/100)), by the sRGB curve (IEC
    61966-2-1)."""

    __slots__ = ()
    name, low, high = "exposure", -500, 500


class Gamma(Adjustment):
    """`gamma/0..1000`: c^(v/100): above 100 darkens, below lightens."""

    __slots__ = ()
    name, low, high, neutral = "gamma", 0, 1000, 100


class Contrast(Adjustment):
    """`contrast/-100..500`: (c - 1/2) * (1 + v/100) + 1/2."""

    __slots__ = ()
    name, low, high = "contrast", -100, 500


class Saturation(Adjustment):
    """`saturation/-100..500`: luma + (c - luma) * (1 + v/100)."""

    __slots__ = ()
    name, low, high = "saturation", -100, 500


class Vibrance(Adjustment):
    """`vibrance/-100..500`: saturation that spares what is saturated: luma + (c - luma) * (1 + v/100 * (1 - s)), where
    s is the difference between the largest and the smallest channel."""

    __slots__ = ()
    name, low, high = "vibrance", -100, 500


class Warmth(Adjustment):
    """`warmth/-100..100`: red * (1 + v/400), blue * (1 - v/400)."""

    __slots__ = ()
    name, low, high = "warmth", -100, 100


class Enhance(Adjustment):
    """`enhance[/0..100]` (50): auto levels, contrast and saturation, blended with the original by v/100. Levels: luma's
    0.5 % darkest and lightest pixels become black and white, gained at most twice; then contrast/10, saturation/15."""

    __slots__ = ()
    name, low, high, default = "enhance", 0, 100, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Grayscale(Acting):
    """`grayscale`: luma in all channels."""

    name: ClassVar[str] = "grayscale"

    @property
    def canonical(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Invert(Acting):
    """`invert`: 1 - c."""

    name: ClassVar[str] = "invert"

    @property
    def canonical(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur(Acting):
    """`blur[/strength[/amount]]`: Gaussian of sigma strength/10 pixels (0..5000, default 10), blended with the original
    by amount per cent (-200..100, default 100); a negative amount moves away from the blurred picture: an unsharp
    mask."""

    strength: int = 10
    amount: int = 100

    name: ClassVar[str] = "blur"

    @property
    def canonical(self) -> str:
        return f"blur/{self.strength}" if self.amount == 100 else f"blur/{self.strength}/{self.amount}"

    @property
    def is_neutral(self) -> bool:
        return not self.strength or not self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class BlurRegion(Repeating):
    """`blur_region/WxH/x,y[/strength]`: `blur` inside a box, in pixels or per cent (0..5000, default 10)."""

    box: Box
    position: Position
    strength: int = 10

    name: ClassVar[str] = "blur_region"

    @property
    def canonical(self) -> str:
        return f"blur_region/{self.box}/{self.position}/{self.strength}"

    @property
    def is_neutral(self) -> bool:
        return not self.strength


class Sharp(Adjustment):
    """`sharp[/0..20]` (5): an unsharp mask of the luma: its difference from a Gaussian of sigma 1, times v/10, is added
    to every channel. Luma only: colour noise stays, and it costs a third of Lab."""

    __slots__ = ()
    name, low, high, default = "sharp", 0, 20, 5
