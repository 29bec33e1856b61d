"""What parameters are made of: lengths, positions, colours. Each knows its one spelling (contract 3.3)."""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class Length(NamedTuple):
    """Pixels, or per cent of something that the operation names."""

    value: int
    is_percent: bool = False

    def __str__(self) -> str:
        return f"{self.value}p" if self.is_percent else str(self.value)

    def of(self, whole: int) -> int:
        """In pixels, where 100 % is `whole`; rounded half up, also below zero."""
        return (2 * self.value * whole + 100) // 200 if self.is_percent else self.value


class Box(NamedTuple):
    """A width and a height."""

    width: Length
    height: Length

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    def of(self, width: int, height: int) -> tuple[int, int]:
        """In pixels on a picture of this size; sides at least 1."""
        return max(1, self.width.of(width)), max(1, self.height.of(height))


class Position(NamedTuple):
    """Where something lies. Per cents share out the space that is left over, as CSS `background-position` does."""

    x: Length
    y: Length

    def __str__(self) -> str:
        return f"{self.x},{self.y}"

    def of(self, spare_width: int, spare_height: int) -> tuple[int, int]:
        """The offset in pixels from the left and the top; what is left over may be negative."""
        return self.x.of(spare_width), self.y.of(spare_height)


class Colour(NamedTuple):
    """sRGB and opacity, 0 to 255 each; the colour is not premultiplied."""

    red: int
    green: int
    blue: int
    alpha: int = 255

    def __str__(self) -> str:
        rgb = f"{self.red:02x}{self.green:02x}{self.blue:02x}"
        return rgb if self.alpha == 255 else f"{rgb}{self.alpha:02x}"


CORNER = Position(Length(0), Length(0))
MIDDLE = Position(Length(50, True), Length(50, True))
WHITE = Colour(255, 255, 255)

#: There are no compound keywords: each means the middle of its side.
KEYWORDS = {
    "center": MIDDLE,
    "top": Position(Length(50, True), Length(0)),
    "right": Position(Length(100, True), Length(50, True)),
    "bottom": Position(Length(50, True), Length(100, True)),
    "left": Position(Length(0), Length(50, True)),
}


class Acting:
    """Operations that see the picture the previous one left."""

    __slots__ = ()
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = True


class Repeating:
    """Acting operations that act every time they appear; of the others the last one wins."""

    __slots__ = ()
    repeatable: ClassVar[bool] = True
    positional: ClassVar[bool] = True


class Describing:
    """Operations that describe the answer as a whole and may stand anywhere."""

    __slots__ = ()
    repeatable: ClassVar[bool] = False
    positional: ClassVar[bool] = False


def yes_or_no(answer: bool) -> str:
    return "yes" if answer else "no"
