"""Operations that put something on the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from longshore.core.imaging.operations.values import CORNER, Box, Colour, Length, Position, Repeating

SELF = "self"
WHOLE = Box(Length(100, True), Length(100, True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay(Repeating):
    """`overlay/<uuid>|self[/size[/position[/opacity]]]`: another image of the same project, or the file itself as it
    was before all operations, drawn over the picture. `size` is the largest box it may fill, in per cent of the
    picture or pixels (100px100p), keeping its ratio and never enlarged; the position is the top left corner by
    default; opacity in per cent. Each may be left out: they are told apart by their shape."""

    source: str
    box: Box = WHOLE
    position: Position = CORNER
    opacity: int = 100

    name: ClassVar[str] = "overlay"

    @property
    def canonical(self) -> str:
        return f"overlay/{self.source}/{self.box}/{self.position}/{self.opacity}p"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect(Repeating):
    """`rect/<colour>/WxH/x,y`: a rectangle of one colour; size and position in pixels or per cent."""

    colour: Colour
    box: Box
    position: Position

    name: ClassVar[str] = "rect"

    @property
    def canonical(self) -> str:
        return f"rect/{self.colour}/{self.box}/{self.position}"
