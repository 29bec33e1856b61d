"""Folding: fewer and cheaper steps that make the same picture.

Boxes and scalings move to the front, where a decoder can do part of them, point operations to the end, where there are
fewer pixels; neighbours of one kind become one. What is exactly equal always moves. A downscaling moves before point
operations only when these are gentle: then the difference (the mean of a curve is not the curve of the mean) is about
a level on average for each (`tests/integration/vips/test_folding.py` measures it).
"""

from __future__ import annotations

from longshore.core.imaging.steps import Crop, Enhance, Points, Scale, Size, Stage, Step, Turn, before_turn, size_after

_GENTLE = {
    "brightness": (-100, 100),
    "exposure": (-100, 100),
    "gamma": (50, 200),
    "contrast": (-100, 50),
    "saturation": (-100, 100),
    "vibrance": (-100, 100),
    "warmth": (-100, 100),
    "grayscale": (0, 0),
    "invert": (0, 0),
}


def fold(size: Size, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps to do instead of `steps` on a picture of `size`."""
    kept: list[tuple[Step, Size]] = []  # with the size before each
    for step in steps:
        _push(kept, step, size)
    return tuple(step for step, _ in kept)


def _push(kept: list[tuple[Step, Size]], step: Step, first: Size) -> None:
    size = size_after(*kept[-1]) if kept else first
    if _is_nothing(step, size):
        return
    if kept:
        last, before = kept[-1]
        instead = _merged(last, step, before) or _swapped(last, step, before)
        if instead is not None:
            kept.pop()
            for one in instead:
                _push(kept, one, first)
            return
    kept.append((step, size))


def _is_nothing(step: Step, size: Size) -> bool:
    match step:
        case Scale() | Crop():
            return (step.width, step.height) == size
        case Turn():
            return not step.quarters and not step.mirrored
        case _:
            return False


def _merged(last: Step, step: Step, before: Size) -> tuple[Step, ...] | None:
    """One step that does both."""
    match last, step:
        case Scale(), Scale() if _is_lossless_stop(before, size_after(last, before), size_after(step, before)):
            return (step,)
        case Crop(), Crop():
            box = Crop(left=last.left + step.left, top=last.top + step.top, width=step.width, height=step.height)
            return (box,)
        case Turn(), Turn():
            # Mirroring and then turning is turning the other way and then mirroring.
            quarters = (step.quarters + (-last.quarters if step.mirrored else last.quarters)) % 4
            return (Turn(quarters=quarters, mirrored=step.mirrored != last.mirrored),)
        case Points(), Points():
            return (Points(stages=(*last.stages, *step.stages)),)
        case _:
            return None


def _swapped(last: Step, step: Step, before: Size) -> tuple[Step, ...] | None:
    """The two in the other order, each changed for it."""
    match last, step:
        case (Points(), Crop() | Turn()):
            return step, last
        case (Points() | Enhance(), Scale()) if _is_gentle(last) and _is_smaller(step, before):
            return step, last
        case Turn(), Crop():
            return before_turn(last, before, step), last
        case Turn(), Scale() if last.quarters % 2:
            return Scale(width=step.height, height=step.width), last
        case Turn(), Scale():
            return step, last
        case _:
            return None


def _is_gentle(step: Points | Enhance) -> bool:
    return isinstance(step, Enhance) or all(_is_gentle_stage(stage) for stage in step.stages)


def _is_gentle_stage(stage: Stage) -> bool:
    low, high = _GENTLE[stage.name]
    return low <= stage.amount <= high


def _is_smaller(step: Scale, size: Size) -> bool:
    return step.width <= size.width and step.height <= size.height


def _is_lossless_stop(before: Size, stop: Size, after: Size) -> bool:
    """Down and then up must stay blurred; down twice need not."""
    return all(middle >= min(first, last) for first, middle, last in zip(before, stop, after, strict=True))
