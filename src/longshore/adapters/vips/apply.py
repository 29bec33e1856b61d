"""Steps on a picture in memory, one after another. Runs in workers only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import pyvips

from longshore.adapters.vips import area, overlay, points
from longshore.adapters.vips.load import loaded, scaled
from longshore.core.imaging.plan import Layer, continued
from longshore.core.imaging.steps import (
    Blank,
    Blur,
    BlurRegion,
    Crop,
    Embed,
    Enhance,
    Lay,
    Points,
    Rectangle,
    Round,
    Scale,
    Sharpen,
    Size,
    Step,
    Trim,
    Turn,
)


class Layers:
    """The pictures that steps draw over others, decoded at the size they are drawn with, each once."""

    def __init__(self, layers: Sequence[Layer], descriptors: Sequence[int]) -> None:
        self.layers = tuple(layers)
        self._descriptors = descriptors
        self._decoded: dict[tuple[int, int, int], pyvips.Image] = {}

    def drawn(self, step: Lay) -> pyvips.Image:
        """Raises what decoders raise."""
        key = (step.layer, step.width, step.height)
        if key not in self._decoded:
            size = Scale(width=step.width, height=step.height)
            self._decoded[key] = loaded(self._descriptors[step.layer], self.layers[step.layer].decode, None, size)
        return overlay.faded(self._decoded[key], step.opacity)


def applied(image: pyvips.Image, steps: Sequence[Step], layers: Layers) -> tuple[pyvips.Image, Size | None]:
    """`image` after all steps; and the size of the result when only pixels could tell it (`Trim`).

    Raises BadOperation: after a trim, the rest makes the picture too large.
    """
    for index, step in enumerate(steps):
        if isinstance(step, Trim):
            left, top, width, height = area.content_box(image, step)
            more, result = continued(step, Size(width, height), layers.layers)
            rest: Sequence[Step] = (Crop(left=left, top=top, width=width, height=height), *more, *steps[index + 1 :])
            return applied(image, rest, layers)[0], result
        # In memory after each: most steps read their input more than once, and libvips would compute it again.
        image = _done(image, step, layers).copy_memory()
    return image, None


def _done(image: pyvips.Image, step: Step, layers: Layers) -> pyvips.Image:
    match step:
        case Scale():
            return scaled(image, step)
        case Crop():
            return image.crop(step.left, step.top, step.width, step.height)
        case Embed():
            return overlay.embedded(image, step)
        case Blank():
            return overlay.blank(step)
        case Turn():
            return overlay.turned(image, step)
        case Points():
            return points.pointed(image, step.stages)
        case Enhance():
            return points.enhanced(image, step.amount)
        case Blur():
            return area.blurred(image, step)
        case BlurRegion():
            return area.blurred_in(image, step)
        case Sharpen():
            return area.sharpened(image, step)
        case Round():
            return overlay.with_round_corners(image, step)
        case Rectangle():
            return overlay.rectangle(image, step)
        case Lay():
            return overlay.over(image, layers.drawn(step), step.left, step.top)
        case Trim():
            return image
        case _:
            assert_never(step)
