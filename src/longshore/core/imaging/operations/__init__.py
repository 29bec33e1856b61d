"""The operations of the URL API, typed. One class per operation; each knows its canonical spelling.

What a class variable says: `name` is the word in the URL; `repeatable` operations act every time they appear, of
the others the last one wins; `positional` operations see the size the previous one left, the others describe the
answer as a whole and may stand anywhere. Adding an operation: a class in its family, its member of `Operation`, a row
in `rows`, its arithmetic in `geometry`, and its step in `steps`.
"""

from __future__ import annotations

from longshore.core.imaging.operations.answer import (
    Format,
    FormatName,
    Inline,
    MaxIccSize,
    Metadata,
    Profile,
    Progressive,
    Quality,
    QualityLevel,
    Rasterize,
    Srgb,
    StripMeta,
)
from longshore.core.imaging.operations.colour import (
    Adjustment,
    Blur,
    BlurRegion,
    Brightness,
    Contrast,
    Enhance,
    Exposure,
    Gamma,
    Grayscale,
    Invert,
    Saturation,
    Sharp,
    Vibrance,
    Warmth,
)
from longshore.core.imaging.operations.documents import Json, Jsonp, MainColors
from longshore.core.imaging.operations.layers import SELF, Overlay, Rect
from longshore.core.imaging.operations.shape import (
    Autorotate,
    BorderRadius,
    Crop,
    Flip,
    Mirror,
    Preview,
    Resize,
    Rotate,
    ScaleCrop,
    SetFill,
    Stretch,
    StretchMode,
    Trim,
)
from longshore.core.imaging.operations.values import Box, Colour, Length, Position

__all__ = [
    "SELF",
    "Adjustment",
    "Autorotate",
    "Blur",
    "BlurRegion",
    "BorderRadius",
    "Box",
    "Brightness",
    "Colour",
    "Contrast",
    "Crop",
    "Document",
    "Enhance",
    "Exposure",
    "Flip",
    "Format",
    "FormatName",
    "Gamma",
    "Grayscale",
    "Inline",
    "Invert",
    "Json",
    "Jsonp",
    "Length",
    "MainColors",
    "MaxIccSize",
    "Metadata",
    "Mirror",
    "Operation",
    "Overlay",
    "Position",
    "Preview",
    "Profile",
    "Progressive",
    "Quality",
    "QualityLevel",
    "Rasterize",
    "Rect",
    "Resize",
    "Rotate",
    "Saturation",
    "ScaleCrop",
    "SetFill",
    "Sharp",
    "Srgb",
    "Stretch",
    "StretchMode",
    "StripMeta",
    "Trim",
    "Vibrance",
    "Warmth",
    "document_of",
    "normalise",
    "overlays_of",
]

Document = Json | Jsonp | MainColors

Operation = (
    Preview | Resize | Stretch | Crop | ScaleCrop | Trim | BorderRadius | SetFill | Autorotate | Rotate | Flip | Mirror
    | Brightness | Exposure | Gamma | Contrast | Saturation | Vibrance | Warmth | Enhance | Grayscale | Invert
    | Blur | BlurRegion | Sharp | Overlay | Rect
    | Format | Quality | Progressive | StripMeta | Srgb | MaxIccSize | Rasterize | Inline
    | Json | Jsonp | MainColors
)  # fmt: skip


def normalise(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """The same work in one order: positional operations as they come, then the others by name, documents last.

    Of an operation that does not repeat, the last one stays, at its own place. Applying it twice changes nothing.
    """
    last = {operation.name: index for index, operation in enumerate(operations)}
    kept = [op for index, op in enumerate(operations) if op.repeatable or last[op.name] == index]
    return (
        *(op for op in kept if op.positional),
        *sorted((op for op in kept if not op.positional), key=lambda op: (isinstance(op, Document), op.name)),
    )


def document_of(operations: tuple[Operation, ...]) -> Document | None:
    """The operation that asks for JSON instead of a picture."""
    return next((operation for operation in operations if isinstance(operation, Document)), None)


def overlays_of(operations: tuple[Operation, ...]) -> tuple[str, ...]:
    """The ids of the other files that are drawn over this one, each once, in order."""
    ids = (operation.source for operation in operations if isinstance(operation, Overlay))
    return tuple(dict.fromkeys(one for one in ids if one != SELF))
