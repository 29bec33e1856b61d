"""The first geometry of a plan, done while decoding: at the best shrink, and only the part that is needed.

Runs in workers only. libvips shrinks, Pillow enlarges: libvips' enlarging goes through a general affine that takes two
and a half times as long and moves the picture by up to a third of a source pixel (libvips issue 4841).
"""

from __future__ import annotations

import pyvips

from longshore.adapters.vips import colour, decode
from longshore.adapters.vips.enlarge import enlarged
from longshore.adapters.vips.sniff import Kind
from longshore.core.imaging.plan import Decode
from longshore.core.imaging.steps import UPRIGHT, Crop, Scale, Size, before_turn
from longshore.core.media import BrokenMedia

_SHRINKS = (8, 4, 2)
_MARGIN = 2
"""How much larger than needed a decoder's own shrinking must leave a picture: its filter is a plain average."""


def loaded(source: int, wanted: Decode, crop: Crop | None, scale: Scale | None) -> pyvips.Image:
    """The picture, upright unless the plan says otherwise, in sRGB or grey: all of it or a box, scaled if asked for.

    In memory, for two reasons: steps look around themselves, while a decoder delivers rows in order only; and from
    here on nothing that goes wrong is the file's fault. Raises what decoders raise, BrokenMedia, Unsupported.
    """
    kind = decode.kind_of(source)
    if kind.value != wanted.format:
        raise BrokenMedia("The file is not the image it was when it was inspected")
    if kind not in decode.VIPS_KINDS:
        with decode.open_pillow(kind, source) as picture:
            _check(*picture.size, wanted)
            return _worked(decode.pixels_of(picture, kind), wanted, crop, scale)
    header = decode.open_vips(source)
    if kind is Kind.SVG:
        return _drawn(source, wanted, crop, scale)
    _check(header.width, header.height, wanted)
    if crop is not None:
        return _box(source, kind, header, wanted, crop, scale)
    full = _upright(wanted, decode.orientation_of(header))
    scale = scale or Scale(width=full.width, height=full.height)
    small = _smaller(scale, full)
    image = pyvips.Image.thumbnail_source(
        decode.vips_source(source),
        small.width,
        height=small.height,
        size="force",
        no_rotate=not wanted.rotated,
        fail_on="error",
        **colour.conversion(header, wanted),
    ).copy_memory()
    return image if small == scale else enlarged(image, scale)


def scaled(image: pyvips.Image, step: Scale) -> pyvips.Image:
    """`image` at exactly this size, in memory."""
    small = _smaller(step, Size(image.width, image.height))
    if (image.width, image.height) != (small.width, small.height):
        image = image.thumbnail_image(small.width, height=small.height, size="force", no_rotate=True).copy_memory()
    return image if small == step else enlarged(image, step)


def _drawn(source: int, wanted: Decode, crop: Crop | None, scale: Scale | None) -> pyvips.Image:
    """A drawing, drawn at the size asked for: nothing to enlarge."""
    first = scale if scale and not crop else Scale(width=wanted.width, height=wanted.height)
    image = pyvips.Image.thumbnail_source(
        decode.vips_source(source), first.width, height=first.height, size="force", fail_on="error"
    ).copy_memory()
    if crop is None:
        return image
    image = image.crop(crop.left, crop.top, crop.width, crop.height)
    return scaled(image, scale) if scale else image.copy_memory()


def _box(
    source: int, kind: Kind, header: pyvips.Image, wanted: Decode, crop: Crop, scale: Scale | None
) -> pyvips.Image:
    """A box of the picture: found in the stored pixels, so that only its rows are worked on."""
    stored = Size(wanted.width, wanted.height)
    turn = UPRIGHT[(decode.orientation_of(header) or 1) if wanted.rotated else 1]
    turned = Size(stored.height, stored.width) if turn.quarters % 2 else stored
    if crop.left + crop.width > turned.width or crop.top + crop.height > turned.height:
        raise BrokenMedia("The file is not the image it was when it was inspected")
    box = before_turn(turn, stored, crop)
    scale = scale or Scale(width=crop.width, height=crop.height)
    shrink = _shrink(box, stored, min(crop.width / scale.width, crop.height / scale.height)) if kind is Kind.JPEG else 1
    image = decode.open_vips(source, shrink=shrink) if shrink > 1 else header
    left, top = box.left // shrink, box.top // shrink
    width, height = -(-box.width // shrink), -(-box.height // shrink)
    return _resized(image.crop(left, top, width, height), wanted, crop, scale, header)


def _shrink(box: Crop, stored: Size, factor: float) -> int:
    """The largest shrink that leaves the margin and whose pixels the box does not cut."""
    right, bottom = box.left + box.width, box.top + box.height
    for shrink in _SHRINKS:
        edges = (box.left, box.top, right if right < stored.width else 0, bottom if bottom < stored.height else 0)
        if factor >= shrink * _MARGIN and not any(edge % shrink for edge in edges):
            return shrink
    return 1


def _worked(image: pyvips.Image, wanted: Decode, crop: Crop | None, scale: Scale | None) -> pyvips.Image:
    """All of a picture in memory, as `loaded` promises."""
    full = _upright(wanted, decode.orientation_of(image))
    if crop is not None:
        turn = UPRIGHT[(decode.orientation_of(image) or 1) if wanted.rotated else 1]
        box = before_turn(turn, Size(wanted.width, wanted.height), crop)
        cut = image.crop(box.left, box.top, box.width, box.height)
        return _resized(cut, wanted, crop, scale or Scale(width=crop.width, height=crop.height), image)
    scale = scale or Scale(width=full.width, height=full.height)
    return _resized(image, wanted, full, scale, image)


def _resized(
    image: pyvips.Image, wanted: Decode, shown: Crop | Size, scale: Scale, header: pyvips.Image
) -> pyvips.Image:
    """Stored pixels that show `shown` made upright, sRGB and of size `scale`."""
    small = _smaller(scale, Size(shown.width, shown.height))
    image = image.thumbnail_image(
        small.width,
        height=small.height,
        size="force",
        no_rotate=not wanted.rotated,
        **colour.conversion(header, wanted),
    ).copy_memory()
    return image if small == scale else enlarged(image, scale)


def _upright(wanted: Decode, orientation: int | None) -> Size:
    turned = wanted.rotated and (orientation or 1) > 4
    return Size(wanted.height, wanted.width) if turned else Size(wanted.width, wanted.height)


def _smaller(scale: Scale, size: Size) -> Scale:
    """The part of a scaling that makes the picture smaller, on each axis."""
    return Scale(width=min(scale.width, size.width), height=min(scale.height, size.height))


def _check(width: int, height: int, wanted: Decode) -> None:
    if (width, height) != (wanted.width, wanted.height):
        raise BrokenMedia("The file is not the image it was when it was inspected")
