"""Operations that change the size, the outline or the direction of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from longshore.core.imaging.operations.values import (
    CORNER,
    MIDDLE,
    WHITE,
    Acting,
    Box,
    Colour,
    Describing,
    Length,
    Position,
    Repeating,
    yes_or_no,
)


class StretchMode(StrEnum):
    ON = "on"
    OFF = "off"
    FILL = "fill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Acting):
    """`preview[/WxH]`: fit inside `width` x `height` pixels (2048x2048) keeping the ratio; never enlarge."""

    width: int = 2048
    height: int = 2048

    name: ClassVar[str] = "preview"

    @property
    def canonical(self) -> str:
        return f"preview/{self.width}x{self.height}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize(Repeating):
    """`resize/WxH|Wx|xH`: exactly this size in pixels; an absent side follows the ratio. Enlarges unless `stretch` says
    otherwise; both sides may distort."""

    width: int | None = None
    height: int | None = None

    name: ClassVar[str] = "resize"

    @property
    def canonical(self) -> str:
        return f"resize/{self.width or ''}x{self.height or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch(Repeating):
    """`stretch/on|off|fill`: how the next `resize` or `scale_crop` treats a picture that is smaller than asked for:
    `on` enlarges (the default), `off` never enlarges any side, `fill` never enlarges and adds the fill colour."""

    mode: StretchMode

    name: ClassVar[str] = "stretch"

    @property
    def canonical(self) -> str:
        return f"stretch/{self.mode}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop(Repeating):
    """`crop/WxH[/position]`: cut out a box in pixels or per cent of the picture, from its top left corner unless a
    position is given: a keyword, or `x,y` in pixels or per cent of the space left over. What lies outside the picture
    has the fill colour. `crop/N:M[/position]` is the largest box of that ratio, in the middle by default."""

    box: Box | None = None
    ratio: tuple[int, int] | None = None
    position: Position = CORNER

    name: ClassVar[str] = "crop"

    @property
    def canonical(self) -> str:
        size = f"{self.ratio[0]}:{self.ratio[1]}" if self.ratio else str(self.box)
        usual = MIDDLE if self.ratio else CORNER
        return f"crop/{size}" if self.position == usual else f"crop/{size}/{self.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleCrop(Repeating):
    """`scale_crop/WxH[/position]`: scale, down or up, until the box in pixels is covered, and cut the rest. The default
    position is the top left corner."""

    width: int
    height: int
    position: Position = CORNER

    name: ClassVar[str] = "scale_crop"

    @property
    def canonical(self) -> str:
        size = f"scale_crop/{self.width}x{self.height}"
        return size if self.position == CORNER else f"{size}/{self.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim(Acting):
    """`trim[/tolerance/padding]`: cut off a border of one colour, that of the top left pixel. `tolerance` is how far,
    in levels of 255, a channel may differ from it (10); `padding` pixels of the border stay (0)."""

    tolerance: int = 10
    padding: int = 0

    name: ClassVar[str] = "trim"

    @property
    def canonical(self) -> str:
        return f"trim/{self.tolerance}/{self.padding}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BorderRadius(Acting):
    """`border_radius/r[,r,r,r][/v[,v,v,v]]`: round corners, in the order and by the rules of CSS (top left, top right,
    bottom right, bottom left; pixels, or per cent of the side; a second list for vertical radii). Corners become
    transparent, or the fill colour where the format has no transparency."""

    across: tuple[Length, Length, Length, Length]
    down: tuple[Length, Length, Length, Length]

    name: ClassVar[str] = "border_radius"

    @property
    def canonical(self) -> str:
        across, down = (",".join(str(length) for length in radii) for radii in (self.across, self.down))
        return f"border_radius/{across}" if across == down else f"border_radius/{across}/{down}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFill(Repeating):
    """`setfill/<colour>`: the colour, from here on, of what lies outside a picture, and under a transparent one where
    the format has no transparency. White by default. rgb, rrggbb or rrggbbaa."""

    colour: Colour = WHITE

    name: ClassVar[str] = "setfill"

    @property
    def canonical(self) -> str:
        return f"setfill/{self.colour}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Autorotate(Describing):
    """`autorotate/yes|no`: whether the EXIF orientation is applied, before everything else. Default yes."""

    enabled: bool = True

    name: ClassVar[str] = "autorotate"

    @property
    def canonical(self) -> str:
        return f"autorotate/{yes_or_no(self.enabled)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate(Acting):
    """`rotate/<angle>`: counter-clockwise, in degrees; multiples of 90."""

    angle: int

    name: ClassVar[str] = "rotate"

    @property
    def canonical(self) -> str:
        return f"rotate/{self.angle}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip(Acting):
    """`flip`: upside down."""

    name: ClassVar[str] = "flip"

    @property
    def canonical(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror(Acting):
    """`mirror`: left and right swapped."""

    name: ClassVar[str] = "mirror"

    @property
    def canonical(self) -> str:
        return self.name
