"""Doing a plan: decode at the best shrink, steps, encode. Runs in workers only."""

from __future__ import annotations

import os
from typing import Any

import pyvips

from longshore.adapters.vips import decode
from longshore.adapters.vips.encode import encode
from longshore.adapters.vips.sniff import Kind
from longshore.adapters.vips.wire import WirePlan
from longshore.core.imaging.plan import Decode, Scale
from longshore.core.media import BrokenMedia
from longshore.ports.rendering import ResultTooLarge


def render(plan: WirePlan, source: int, target: int, result_size: int) -> None:
    """Do `plan` on the image behind `source`, write at most `result_size` bytes into `target`.

    Raises Unsupported, BrokenMedia, ResultTooLarge, or what the decoders raise.
    """
    kind = decode.kind_of(source)
    if kind.value != plan.decode.format:
        raise BrokenMedia("The file is not the image it was when it was inspected")
    first, *later = plan.typed_steps() or (Scale(width=plan.width, height=plan.height),)
    image = _decoded(kind, source, plan.decode, first)
    for step in later:
        # A second resampling looks around itself; the first delivers rows in order only.
        image = _scaled(image.copy_memory(), step)
    _write(target, encode(image, plan.encode), result_size)


def _decoded(kind: Kind, source: int, wanted: Decode, scale: Scale) -> pyvips.Image:
    """The picture at the size of its first step, upright unless the plan says otherwise, in sRGB or grey.

    libvips chooses how far to shrink while decoding, and always leaves a factor of two to the resampling.
    """
    if kind in decode.VIPS_KINDS:
        header = decode.open_vips(source)
        if kind is not Kind.SVG:
            _check(header.width, header.height, wanted)
        return pyvips.Image.thumbnail_source(
            decode.vips_source(source),
            scale.width,
            height=scale.height,
            size="force",
            no_rotate=not wanted.rotated,
            fail_on="error",
            **_towards_srgb(header),
        )
    with decode.open_pillow(kind, source) as picture:
        _check(*picture.size, wanted)
        pixels = decode.pixels_of(picture, kind)
    return pixels.thumbnail_image(
        scale.width, height=scale.height, size="force", no_rotate=not wanted.rotated, **_towards_srgb(pixels)
    )


def _scaled(image: pyvips.Image, step: Scale) -> pyvips.Image:
    return image.thumbnail_image(step.width, height=step.height, size="force", no_rotate=True)


def _towards_srgb(image: pyvips.Image) -> dict[str, Any]:
    return {"output_profile": "srgb"} if decode.needs_conversion(image) else {}


def _check(width: int, height: int, wanted: Decode) -> None:
    if (width, height) != (wanted.width, wanted.height):
        raise BrokenMedia("The file is not the image it was when it was inspected")


def _write(target: int, content: bytes, result_size: int) -> None:
    if len(content) > result_size:
        raise ResultTooLarge(f"The resulting image has {len(content)} bytes; at most {result_size} are allowed")
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(target, rest) :]
