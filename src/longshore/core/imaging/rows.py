"""Which operations a URL may name, and how the parameters of each are read (contract 3.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from longshore.core.imaging.operations import (
    Adjustment,
    Autorotate,
    Blur,
    BlurRegion,
    BorderRadius,
    Brightness,
    Contrast,
    Crop,
    Enhance,
    Exposure,
    Flip,
    Format,
    FormatName,
    Gamma,
    Grayscale,
    Inline,
    Invert,
    Json,
    Jsonp,
    MainColors,
    MaxIccSize,
    Metadata,
    Mirror,
    Operation,
    Overlay,
    Preview,
    Profile,
    Progressive,
    Quality,
    QualityLevel,
    Rasterize,
    Rect,
    Resize,
    Rotate,
    Saturation,
    ScaleCrop,
    SetFill,
    Sharp,
    Srgb,
    Stretch,
    StretchMode,
    StripMeta,
    Trim,
    Vibrance,
    Warmth,
)
from longshore.core.imaging.operations.layers import SELF, WHOLE
from longshore.core.imaging.operations.values import CORNER, MIDDLE, Length
from longshore.core.imaging.words import Words, is_box, is_percent, is_position, is_ratio

Reader = Callable[[Words], Operation]

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_STRENGTH = "strength must be a number from 0 to 5000"
_COLOUR = "a colour is rgb, rrggbb or rrggbbaa in hexadecimal digits"
_PLACE = "a position is center, top, right, bottom, left or x,y in pixels or per cent"

#: `scale_crop` by content and `crop` by content: read here, done in a later version.
_SMART = re.compile(
    r"smart(_faces_objects_points|_faces_objects|_faces_points|_objects_faces_points|_objects_faces|_objects_points"
    r"|_points|_objects|_faces)?"
)
_DETECTED = ("face", "image")
_FILTERS = re.compile(
    r"adaris|briaril|calarel|carris|cynarel|cyren|elmet|elonni|enzana|erydark|fenralan|ferand|galen|gavin|gethriel|"
    r"iorill|iothari|iselva|jadis|lavra|misiara|namala|nerion|nethari|pamaya|sarnar|sedis|sewen|sorahel|sorlen|tarian|"
    r"thellassan|varriel|varven|vevera|virkas|yedis|yllara|zatvel|zevcen"
)


def _preview(words: Words) -> Preview:
    rule = "takes nothing or one box in pixels, WxH"
    words.between(0, 1, rule)
    if not len(words):
        return Preview()
    width, height = words.pixels(0, rule)
    return Preview(width=width, height=height)


def _resize(words: Words) -> Resize:
    rule = "takes one size in pixels: WxH, Wx or xH"
    words.between(1, 1, rule)
    width, height = words.size(0, rule)
    return Resize(width=width, height=height)


def _crop(words: Words) -> Crop:
    rule = "takes a box WxH in pixels or per cent, or a ratio N:M, and maybe a position"
    words.between(1, 3, rule)
    if words[0] in _DETECTED:
        raise words.unavailable()
    words.between(1, 2, rule)
    if is_ratio(words[0]):
        position = words.position(1, _PLACE) if len(words) > 1 else MIDDLE
        return Crop(ratio=words.ratio(0), position=position)
    position = words.position(1, _PLACE) if len(words) > 1 else CORNER
    return Crop(box=words.box(0, rule), position=position)


def _scale_crop(words: Words) -> ScaleCrop:
    rule = "takes a box in pixels, WxH, and maybe a position"
    words.between(1, 3, rule)
    width, height = words.pixels(0, rule)
    if len(words) > 1 and _SMART.fullmatch(words[1]):
        raise words.unavailable()
    words.between(1, 2, rule)
    position = words.position(1, _PLACE) if len(words) > 1 else CORNER
    return ScaleCrop(width=width, height=height, position=position)


def _trim(words: Words) -> Trim:
    rule = "takes nothing, a tolerance from 0 to 255, or tolerance and padding in pixels"
    words.between(0, 2, rule)
    tolerance = words.integer(0, 0, 255, rule) if len(words) else 10
    return Trim(tolerance=tolerance, padding=words.integer(1, 0, 5000, rule) if len(words) > 1 else 0)


def _border_radius(words: Words) -> BorderRadius:
    rule = "takes one to four radii with commas between, in pixels or per cent, and maybe as many vertical ones"
    words.between(1, 2, rule)
    lists = [_corners(words, index, rule) for index in range(len(words))]
    return BorderRadius(across=lists[0], down=lists[-1])


def _corners(words: Words, index: int, rule: str) -> tuple[Length, Length, Length, Length]:
    """As CSS fills up missing radii."""
    match words.lengths(index, rule):
        case (one,):
            return one, one, one, one
        case (one, two):
            return one, two, one, two
        case (one, two, three):
            return one, two, three, two
        case (one, two, three, four):
            return one, two, three, four
        case _:
            raise words.wrong(rule)


def _set_fill(words: Words) -> SetFill:
    words.between(1, 1, _COLOUR)
    return SetFill(colour=words.colour(0, _COLOUR))


def _rotate(words: Words) -> Rotate:
    rule = "takes an angle in degrees, a multiple of 90"
    words.between(1, 1, rule)
    angle = words.integer(0, -3600, 3600, rule)
    if angle % 90:
        raise words.wrong(rule)
    return Rotate(angle=angle % 360)


def _adjustment(kind: type[Adjustment]) -> Reader:
    rule = f"takes one number from {kind.low} to {kind.high}"

    def read(words: Words) -> Operation:
        words.between(0 if kind.default is not None else 1, 1, rule)
        amount = words.integer(0, kind.low, kind.high, rule) if len(words) else kind.default
        return kind(amount=amount or 0)  # pyright: ignore[reportReturnType] - every subclass is an Operation

    return read


def _blur(words: Words) -> Blur:
    words.between(0, 2, "takes nothing, a strength, or strength and amount")
    strength = words.integer(0, 0, 5000, _STRENGTH) if len(words) else 10
    amount = words.integer(1, -200, 100, "amount must be a number from -200 to 100") if len(words) > 1 else 100
    return Blur(strength=strength, amount=amount)


def _blur_region(words: Words) -> BlurRegion:
    rule = "takes a box WxH, a position and maybe a strength"
    words.between(1, 3, rule)
    if words[0] == "faces":
        raise words.unavailable()
    words.between(2, 3, rule)
    strength = words.integer(2, 0, 5000, _STRENGTH) if len(words) > 2 else 10
    return BlurRegion(box=words.box(0, rule), position=words.position(1, _PLACE), strength=strength)


def _overlay(words: Words) -> Overlay:
    rule = "takes the id of a file or self, and maybe a size WpxHp, a position and an opacity in per cent"
    words.between(1, 4, rule)
    if words[0] != SELF and _UUID.fullmatch(words[0]) is None:
        raise words.wrong(rule)
    box, position, opacity = WHOLE, CORNER, 100
    seen = 0  # how far in the order size, position, opacity
    for index in range(1, len(words)):
        word = words[index]
        if is_box(word) and seen < 1:
            box, seen = words.box(index, rule), 1
        elif is_position(word) and seen < 2:
            position, seen = words.position(index, _PLACE), 2
        elif is_percent(word) and seen < 3:
            opacity, seen = words.lengths(index, rule)[0].value, 3
        else:
            raise words.wrong(rule)
    if opacity > 100:
        raise words.wrong("opacity is from 0 to 100 per cent")
    return Overlay(source=words[0].lower(), box=box, position=position, opacity=opacity)


def _rect(words: Words) -> Rect:
    rule = "takes a colour, a box WxH and a position"
    words.between(3, 3, rule)
    return Rect(colour=words.colour(0, _COLOUR), box=words.box(1, rule), position=words.position(2, _PLACE))


def _max_icc_size(words: Words) -> MaxIccSize:
    rule = "takes a size in KB, from 0 to 999999"
    words.between(1, 1, rule)
    return MaxIccSize(kilobytes=words.integer(0, 0, 999_999, rule))


def _main_colors(words: Words) -> MainColors:
    rule = "takes nothing or a number of colours from 1 to 256"
    words.between(0, 1, rule)
    return MainColors(count=words.integer(0, 1, 256, rule)) if len(words) else MainColors()


def _alone(make: Callable[[], Operation]) -> Reader:
    def read(words: Words) -> Operation:
        words.between(0, 0, "takes no parameters")
        return make()

    return read


def _later(words: Words) -> Operation:
    raise words.unavailable()


def _filter(words: Words) -> Operation:
    rule = "takes the name of a filter and maybe an amount from -100 to 200"
    words.between(1, 2, rule)
    if not _FILTERS.fullmatch(words[0]):
        raise words.wrong(rule)
    if len(words) > 1:
        words.integer(1, -100, 200, rule)
    raise words.unavailable()


def _smart_resize(words: Words) -> Operation:
    rule = "takes one size in pixels, WxH"
    words.between(1, 1, rule)
    words.pixels(0, rule)
    raise words.unavailable()


def _zoom_objects(words: Words) -> Operation:
    rule = "takes one number from 1 to 100"
    words.between(1, 1, rule)
    words.integer(0, 1, 100, rule)
    raise words.unavailable()


#: Every operation there is: its name in the URL and its reader.
ROWS: Mapping[str, Reader] = {
    "preview": _preview,
    "resize": _resize,
    "stretch": lambda words: Stretch(mode=words.choice(StretchMode)),
    "crop": _crop,
    "scale_crop": _scale_crop,
    "trim": _trim,
    "border_radius": _border_radius,
    "setfill": _set_fill,
    "autorotate": lambda words: Autorotate(enabled=words.yes()),
    "rotate": _rotate,
    "flip": _alone(Flip),
    "mirror": _alone(Mirror),
    **{
        kind.name: _adjustment(kind)
        for kind in (
            Brightness, Exposure, Gamma, Contrast, Saturation, Vibrance, Warmth, Enhance, Sharp
        )
    },
    "grayscale": _alone(Grayscale),
    "invert": _alone(Invert),
    "blur": _blur,
    "blur_region": _blur_region,
    "overlay": _overlay,
    "rect": _rect,
    "format": lambda words: Format(value=words.choice(FormatName, {"jpg": FormatName.JPEG})),
    "quality": lambda words: Quality(level=words.choice(QualityLevel)),
    "progressive": lambda words: Progressive(enabled=words.yes()),
    "strip_meta": lambda words: StripMeta(what=words.choice(Metadata)),
    "srgb": lambda words: Srgb(profile=words.choice(Profile)),
    "max_icc_size": _max_icc_size,
    "rasterize": _alone(Rasterize),
    "inline": lambda words: Inline(enabled=words.yes()),
    "json": _alone(Json),
    "jsonp": _alone(Jsonp),
    "main_colors": _main_colors,
}  # fmt: skip

#: Operations of the language that are read, checked as far as their parameters are known, and refused.
LATER: Mapping[str, Reader] = {
    "smart_resize": _smart_resize,
    "zoom_objects": _zoom_objects,
    "filter": _filter,
    **dict.fromkeys(
        ("text", "text_align", "text_box", "font", "gif2video", "detect_faces", "video", "document", "adaptive_video"),
        _later,
    ),
}

#: Names that may also stand right behind the uuid, without `-/`.
LEADING = frozenset({"main_colors", "detect_faces", "gif2video", "video", "document", "adaptive_video"})
