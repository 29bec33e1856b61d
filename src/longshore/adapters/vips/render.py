"""Doing a plan: decode at the best shrink, steps, encode. Runs in workers only.

libvips shrinks, Pillow enlarges: libvips' enlarging goes through a general affine that takes two and a half times as
long and moves the picture by up to a third of a source pixel (libvips issue 4841).
"""

from __future__ import annotations

import errno
import os
from typing import Any

import pyvips

from longshore.adapters.vips import decode
from longshore.adapters.vips.encode import encode
from longshore.adapters.vips.enlarge import enlarged
from longshore.adapters.vips.sniff import Kind
from longshore.adapters.vips.wire import WirePlan
from longshore.core.errors import StorageFull
from longshore.core.imaging.plan import Decode, Scale
from longshore.core.media import BrokenMedia
from longshore.ports.rendering import RenderCrashed, ResultTooLarge


def render(plan: WirePlan, source: int, target: int, result_size: int) -> None:
    """Do `plan` on the image behind `source`, write at most `result_size` bytes into `target`.

    Raises Unsupported, BrokenMedia, RenderCrashed, ResultTooLarge, StorageFull, or what the decoders raise.
    """
    kind = decode.kind_of(source)
    if kind.value != plan.decode.format:
        raise BrokenMedia("The file is not the image it was when it was inspected")
    first, *later = plan.typed_steps() or (Scale(width=plan.width, height=plan.height),)
    # Into memory, for two reasons: a second resampling looks around itself, while a decoder delivers rows in order
    # only; and from here on nothing that goes wrong is the file's fault.
    image = _decoded(kind, source, plan.decode, first).copy_memory()
    for step in later:
        image = _scaled(image, step).copy_memory()
    try:
        content = encode(image, plan.encode)
    except pyvips.Error as error:
        raise RenderCrashed("The result could not be encoded, most likely for want of memory") from error
    _write(target, content, result_size)


def _decoded(kind: Kind, source: int, wanted: Decode, scale: Scale) -> pyvips.Image:
    """The picture at the size of its first step, upright unless the plan says otherwise, in sRGB or grey.

    libvips chooses how far to shrink while decoding, and always leaves a factor of two to the resampling.
    """
    if kind in decode.VIPS_KINDS:
        header = decode.open_vips(source)
        if kind is Kind.SVG:  # drawn at the size asked for: nothing to enlarge
            return pyvips.Image.thumbnail_source(
                decode.vips_source(source), scale.width, height=scale.height, size="force", fail_on="error"
            )
        _check(header.width, header.height, wanted)
        shrunk = _shrunk(wanted, scale, decode.orientation_of(header))
        image = pyvips.Image.thumbnail_source(
            decode.vips_source(source),
            shrunk.width,
            height=shrunk.height,
            size="force",
            no_rotate=not wanted.rotated,
            fail_on="error",
            **_towards_srgb(header),
        )
        return image if shrunk == scale else enlarged(image, scale)
    with decode.open_pillow(kind, source) as picture:
        _check(*picture.size, wanted)
        pixels = decode.pixels_of(picture, kind)
    shrunk = _shrunk(wanted, scale, decode.orientation_of(pixels))
    image = pixels.thumbnail_image(
        shrunk.width, height=shrunk.height, size="force", no_rotate=not wanted.rotated, **_towards_srgb(pixels)
    )
    return image if shrunk == scale else enlarged(image, scale)


def _shrunk(wanted: Decode, scale: Scale, orientation: int | None) -> Scale:
    """The part of a scaling that makes the picture smaller, on each axis."""
    width, height = wanted.width, wanted.height
    if wanted.rotated and (orientation or 1) > 4:
        width, height = height, width
    return Scale(width=min(scale.width, width), height=min(scale.height, height))


def _scaled(image: pyvips.Image, step: Scale) -> pyvips.Image:
    small = Scale(width=min(step.width, image.width), height=min(step.height, image.height))
    if (image.width, image.height) != (small.width, small.height):
        image = image.thumbnail_image(small.width, height=small.height, size="force", no_rotate=True)
    return image if small == step else enlarged(image, step)


def _towards_srgb(image: pyvips.Image) -> dict[str, Any]:
    return {"output_profile": "srgb"} if decode.needs_conversion(image) else {}


def _check(width: int, height: int, wanted: Decode) -> None:
    if (width, height) != (wanted.width, wanted.height):
        raise BrokenMedia("The file is not the image it was when it was inspected")


def _write(target: int, content: bytes, result_size: int) -> None:
    if len(content) > result_size:
        raise ResultTooLarge(f"The resulting image has {len(content)} bytes; at most {result_size} are allowed")
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[os.write(target, rest) :]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise RenderCrashed("The result could not be written") from error
