"""What a renderer does, one after another: the words a plan is made of. Plain values, so that they can travel.

Every number is final: pixels, not per cent. Sizes and offsets are of the picture as the step before left it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from longshore.core.imaging.operations.shape import StretchMode
from longshore.core.imaging.operations.values import Colour


class Size(NamedTuple):
    """Pixels; both sides at least 1."""

    width: int
    height: int


class Stage(NamedTuple):
    """One operation on the colour of each pixel: an operation's name and its number."""

    name: str
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Resample to exactly this size in pixels, alpha premultiplied meanwhile."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """Cut out a box that lies inside the picture."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """Lay the picture, whole, into a larger one of one colour."""

    left: int
    top: int
    width: int
    height: int
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """Forget the picture; go on with one of one colour."""

    width: int
    height: int
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Swap left and right if `mirrored`, then turn by 90 degrees counter-clockwise `quarters` (0 to 3) times."""

    quarters: int
    mirrored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Change the colour of each pixel by itself, stage by stage."""

    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enhance:
    """Levels from the picture's own histogram, contrast and saturation; `amount` in per cent."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur:
    """Gaussian; `sigma` in pixels, `amount` in per cent (below zero: unsharp mask)."""

    sigma: float
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlurRegion:
    """`Blur` by the whole amount inside a box of the picture."""

    left: int
    top: int
    width: int
    height: int
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharpen:
    """Unsharp mask of the luma; `amount` in tenths."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Make corners transparent: ellipses of these radii (across, down) in pixels, clockwise from the top left."""

    radii: tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Draw a rectangle of one colour; it lies inside the picture."""

    left: int
    top: int
    width: int
    height: int
    colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Lay:
    """Draw layer number `layer` of the plan over the picture, scaled to this size; it may stick out. `opacity` in
    per cent."""

    layer: int
    left: int
    top: int
    width: int
    height: int
    opacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """Cut off a border of one colour, and do `rest`: operations (canonical) that can be planned only when it is known
    how much was cut off. They start with the state `fill` and `stretch`; no side may become longer than `side`.
    With `small` the result is scaled to fit a square of so many pixels.
    """

    tolerance: int
    padding: int
    rest: str
    fill: Colour
    stretch: StretchMode
    side: int
    small: int = 0


Step = (
    Scale | Crop | Embed | Blank | Turn | Points | Enhance | Blur | BlurRegion | Sharpen | Round | Rectangle | Lay
    | Trim
)  # fmt: skip


def size_after(step: Step, size: Size) -> Size:
    """The size that `step` leaves, of a picture of `size`. (Of Trim: the most it can be by itself.)"""
    match step:
        case Scale() | Crop() | Embed() | Blank():
            return Size(step.width, step.height)
        case Turn() if step.quarters % 2:
            return Size(size.height, size.width)
        case _:
            return size


def before_turn(turn: Turn, size: Size, box: Crop) -> Crop:
    """The box that `turn` makes `box` of; `size` is the picture's before the turn."""
    turned = Size(size.height, size.width) if turn.quarters % 2 else size
    left, top, width, height = box.left, box.top, box.width, box.height
    for _ in range(turn.quarters):
        # A quarter counter-clockwise takes (x, y) to (y, width - 1 - x); this is the way back.
        turned = Size(turned.height, turned.width)
        left, top, width, height = turned.width - top - height, left, height, width
    if turn.mirrored:
        left = turned.width - left - width
    return Crop(left=left, top=top, width=width, height=height)


#: How the pixels of a file with this EXIF orientation are made upright.
UPRIGHT = {
    1: Turn(quarters=0, mirrored=False),
    2: Turn(quarters=0, mirrored=True),
    3: Turn(quarters=2, mirrored=False),
    4: Turn(quarters=2, mirrored=True),
    5: Turn(quarters=1, mirrored=True),
    6: Turn(quarters=3, mirrored=False),
    7: Turn(quarters=3, mirrored=True),
    8: Turn(quarters=1, mirrored=False),
}
