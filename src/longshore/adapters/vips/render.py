"""Doing a plan: decode at the best shrink, steps, encode. Runs in workers only."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

import pyvips

from longshore.adapters.vips.animate import by_frame
from longshore.adapters.vips.apply import Layers, applied
from longshore.adapters.vips.encode import encode
from longshore.adapters.vips.info import document
from longshore.adapters.vips.load import loaded
from longshore.adapters.vips.tables import source_quality
from longshore.adapters.vips.wire import WirePlan
from longshore.core.errors import StorageFull
from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import SELF
from longshore.core.imaging.steps import Crop, Scale, Size, Step
from longshore.ports.rendering import RenderCrashed, ResultTooLarge


class Outcome(NamedTuple):
    """What was written: its format, None for a document, and the size of the picture in pixels."""

    format: OutputFormat | None
    width: int
    height: int


def render(plan: WirePlan, source: int, overlays: Sequence[int], target: int, result_size: int) -> Outcome:
    """Do `plan` on the image behind `source`, write at most `result_size` bytes into `target`.

    Raises Unsupported, BrokenMedia, BadOperation, RenderCrashed, ResultTooLarge, StorageFull, or what decoders raise.
    """
    steps = plan.typed_steps()
    others = iter(overlays)
    layers = Layers(plan.layers, [source if layer.source == SELF else next(others) for layer in plan.layers])
    crop, scale, rest = _first_geometry(steps)
    result: Size | None = None
    if plan.decode.frames > 1:
        image = by_frame(source, plan.decode, lambda frame: applied(frame, steps, layers)[0])
        size = Size(image.width, image.get_page_height())
    else:
        image, result = applied(loaded(source, plan.decode, crop, scale), rest, layers)
        size = Size(image.width, image.height)
    if plan.document is not None:
        content, output = document(image, plan.document, result), None
        size = result or Size(plan.width, plan.height)
    else:
        content, output = _encoded(image, plan, source)
    _write(target, content, result_size)
    return Outcome(output, size.width, size.height)


def _first_geometry(steps: tuple[Step, ...]) -> tuple[Crop | None, Scale | None, tuple[Step, ...]]:
    """What can be done while decoding, and the rest."""
    match steps:
        case (Crop() as crop, Scale() as scale, *rest):
            return crop, scale, tuple(rest)
        case (Crop() as crop, *rest):
            return crop, None, tuple(rest)
        case (Scale() as scale, *rest):
            return None, scale, tuple(rest)
        case _:
            return None, None, steps


def _encoded(image: pyvips.Image, plan: WirePlan, source: int) -> tuple[bytes, OutputFormat]:
    if plan.encode is None:
        raise RenderCrashed("The plan does not say what to write")
    try:
        made = encode(image, plan.encode, source_quality=source_quality(source, plan.decode, image))
    except pyvips.Error as error:
        raise RenderCrashed("The result could not be encoded, most likely for want of memory") from error
    return made.content, made.format


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
