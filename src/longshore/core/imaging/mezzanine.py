"""The mezzanine: a smaller copy of a large photograph, from which most of its variants are made in half the time.

It is used only where nothing is lost by it: the result is lossy, and needs at most half of its pixels on each side, so
that what the copy's own compression did is averaged away. Its pixels are upright and sRGB. No key says whether it was
used: the results count as equal (`tests/integration/vips/test_mezzanine.py` says within what).
"""

from __future__ import annotations

from dataclasses import replace

from longshore.core.imaging.encoding import Encode
from longshore.core.imaging.geometry import Size
from longshore.core.imaging.limits import ImageLimits
from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.operations import SELF, Metadata, Preview, Quality, QualityLevel
from longshore.core.imaging.plan import Plan, make_plan
from longshore.core.imaging.steps import Crop, Scale, Step
from longshore.core.imaging.transformation import cache_key
from longshore.core.media import ImageFacts

_SIDE = 2048
_FROM_PIXELS = 4_000_000
"""Photographs of more pixels have a mezzanine."""
_MARGIN = 2
"""How many of its pixels a result needs at most, on each side, for one of its own."""

_OFF = 0.2
"""How far, in its pixels, a box may lie beside them."""

_PHOTOGRAPHS = frozenset({"JPEG", "HEIF", "AVIF", "WEBP", "TIFF"})
_COLOURS = frozenset({"RGB", "L", "CMYK", "YCbCr"})
_LOSSY = frozenset({OutputFormat.JPEG, OutputFormat.WEBP, OutputFormat.AVIF})

_JPEG_COST = 4  # milliseconds for a megapixel, as in `plan`


def mezzanine_key(file_id: str) -> str:
    """The key under which it is kept among the derived results."""
    return cache_key(file_id, f"mezzanine {_SIDE}", OutputFormat.JPEG.value)


def mezzanine_plan(facts: ImageFacts, limits: ImageLimits) -> Plan | None:
    """How it is made; None for what has none. Raises MediaTooLarge."""
    if _size(facts) is None:
        return None
    operations = (Preview(width=_SIDE, height=_SIDE), Quality(level=QualityLevel.BEST))
    return make_plan(operations, facts, Choice(format=OutputFormat.JPEG, varies=False), limits)


def through_mezzanine(plan: Plan, facts: ImageFacts) -> Plan | None:
    """The plan that makes of the mezzanine what `plan` makes of the photograph with these `facts`; None where
    something would be lost."""
    size = _size(facts)
    if size is None or not isinstance(plan.encode, Encode):
        return None
    if plan.encode.format not in _LOSSY or plan.encode.strip is not Metadata.ALL:
        return None
    if any(layer.source == SELF for layer in plan.layers):  # it is decoded from the same descriptor
        return None
    if not plan.decode.rotated and (facts.orientation or 1) != 1:
        return None
    usual = Encode(format=OutputFormat.JPEG)  # as the mezzanine itself was made
    if (plan.decode.profile, plan.decode.max_profile) != (usual.profile, usual.max_profile):
        return None
    steps = _on(size, plan.steps, Size(facts.width, facts.height))
    if steps is None:
        return None
    saved = (facts.pixels - size.width * size.height) * _JPEG_COST // 1_000_000
    decode = replace(plan.decode, format="JPEG", width=size.width, height=size.height, rotated=True)
    return replace(plan, decode=decode, steps=steps, cost=max(1, plan.cost - saved))


def _on(size: Size, steps: tuple[Step, ...], original: Size) -> tuple[Step, ...] | None:
    """The same steps on a mezzanine of `size`: they must begin with making less of it than half. A box cut out before
    that has to fall on its pixels, within a tenth of one of the result's at most."""
    match steps:
        case (Scale() as scale, *_) if _is_enough(size, scale):
            return steps
        case (Crop() as crop, Scale() as scale, *rest):
            across, down = size.width / original.width, size.height / original.height
            edges = (crop.left * across, (crop.left + crop.width) * across)
            ends = (crop.top * down, (crop.top + crop.height) * down)
            if any(abs(edge - round(edge)) > _OFF for edge in (*edges, *ends)):
                return None
            (left, right), (top, bottom) = ([round(edge) for edge in pair] for pair in (edges, ends))
            box = Crop(left=left, top=top, width=right - left, height=bottom - top)
            return (box, scale, *rest) if _is_enough(Size(box.width, box.height), scale) else None
        case _:
            return None


def _is_enough(size: Size, scale: Scale) -> bool:
    return scale.width * _MARGIN <= size.width and scale.height * _MARGIN <= size.height


def _size(facts: ImageFacts) -> Size | None:
    """Its size in pixels; None when there is none, or when it would hardly be smaller."""
    is_photograph = facts.format in _PHOTOGRAPHS and facts.color_mode in _COLOURS
    if not is_photograph or facts.has_alpha or facts.sequence or facts.frames > 1 or facts.pixels <= _FROM_PIXELS:
        return None
    width, height = facts.width, facts.height
    longest = max(width, height)
    size = Size(
        max(1, (2 * width * _SIDE + longest) // (2 * longest)), max(1, (2 * height * _SIDE + longest) // (2 * longest))
    )
    return size if 3 * size.width * size.height <= 2 * facts.pixels else None
