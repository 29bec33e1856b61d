"""Sizes: what each operation makes of the size before it. Exact, in integers, so that a plan can promise them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from longshore.core.imaging import steps
from longshore.core.imaging.operations import (
    Autorotate,
    BorderRadius,
    Crop,
    Flip,
    Mirror,
    Operation,
    Overlay,
    Preview,
    Rect,
    Resize,
    Rotate,
    ScaleCrop,
    SetFill,
    Stretch,
    StretchMode,
)
from longshore.core.imaging.operations.colour import Adjustment, Blur, BlurRegion, Enhance, Grayscale, Invert, Sharp
from longshore.core.imaging.operations.values import WHITE, Box, Colour, Position
from longshore.core.imaging.steps import Size, Stage, Step, size_after
from longshore.core.media import ImageFacts

__all__ = ["Layers", "Size", "State", "expand", "is_rotated", "output_size", "resulting", "source_size", "upright"]

Layers = dict[str, tuple[int, Size]]
"""Of each overlay's id (or `self`): its number in the plan and its upright size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What operations see: the size, and what `setfill` and `stretch` have said."""

    size: Size
    fill: Colour = WHITE
    stretch: StretchMode = StretchMode.ON
    layers: Layers = field(default_factory=dict[str, tuple[int, Size]])


def upright(facts: ImageFacts) -> Size:
    """The size with the EXIF orientation applied."""
    return Size(facts.width, facts.height)


def source_size(operations: tuple[Operation, ...], facts: ImageFacts) -> Size:
    """The size the first operation sees: with the EXIF orientation applied, unless `autorotate/no` was asked for."""
    if is_rotated(operations) or (facts.orientation or 1) < 5:
        return Size(facts.width, facts.height)
    return Size(facts.height, facts.width)


def is_rotated(operations: tuple[Operation, ...]) -> bool:
    """Whether the EXIF orientation is applied before everything else."""
    return not any(isinstance(operation, Autorotate) and not operation.enabled for operation in operations)


def resulting(operation: Operation, size: Size) -> Size:
    """The size after `operation`, by itself."""
    return expand(operation, State(size=size))[1].size


def output_size(operations: tuple[Operation, ...], facts: ImageFacts) -> Size:
    """The size of the answer in pixels. (`trim` is taken to cut nothing off: what it does cannot be known here.)"""
    state = State(size=source_size(operations, facts))
    for operation in operations:
        state = expand(operation, state)[1]
    return state.size


def expand(operation: Operation, state: State) -> tuple[tuple[Step, ...], State]:
    """The steps that do `operation`, none when it does nothing, and the state after it."""
    match operation:
        case SetFill(colour=colour):
            return (), replace(state, fill=colour)
        case Stretch(mode=mode):
            return (), replace(state, stretch=mode)
        case Resize() | ScaleCrop():
            done = _resize(operation, state) if isinstance(operation, Resize) else _scale_crop(operation, state)
            state = replace(state, stretch=StretchMode.ON)  # it was said for this operation only
        case _:
            done = _steps(operation, state)
    size = state.size
    for step in done:
        size = size_after(step, size)
    return done, (state if size == state.size else replace(state, size=size))


def _steps(operation: Operation, state: State) -> tuple[Step, ...]:
    size = state.size
    match operation:
        case Preview(width=width, height=height):
            return (_scale(_fitted(size, width, height)),)
        case Crop():
            return _crop(operation, state)
        case Rotate(angle=angle):
            return (steps.Turn(quarters=angle // 90, mirrored=False),) if angle else ()
        case Flip():
            return (steps.Turn(quarters=2, mirrored=True),)
        case Mirror():
            return (steps.Turn(quarters=0, mirrored=True),)
        case BorderRadius():
            return _round(operation, size)
        case Adjustment() | Blur() | BlurRegion() if operation.is_neutral:
            return ()
        case Enhance(amount=amount):
            return (steps.Enhance(amount=amount),)
        case Sharp(amount=amount):
            return (steps.Sharpen(amount=amount),)
        case Adjustment(amount=amount):
            return (steps.Points(stages=(Stage(operation.name, amount),)),)
        case Grayscale() | Invert():
            return (steps.Points(stages=(Stage(operation.name),)),)
        case Blur(strength=strength, amount=amount):
            return (steps.Blur(sigma=strength / 10, amount=amount),)
        case BlurRegion(strength=strength):
            inside = _inside(operation.box, operation.position, size)
            if inside is None:
                return ()
            return (
                steps.BlurRegion(
                    left=inside.left, top=inside.top, width=inside.width, height=inside.height, sigma=strength / 10
                ),
            )
        case Rect(colour=colour):
            inside = _inside(operation.box, operation.position, size)
            if inside is None or not colour.alpha:
                return ()
            return (
                steps.Rectangle(
                    left=inside.left, top=inside.top, width=inside.width, height=inside.height, colour=colour
                ),
            )
        case Overlay():
            return _lay(operation, state)
        case _:
            return ()


# -- sizes -------------------------------------------------------------------------------------------------------------


def _scale(size: Size) -> steps.Scale:
    return steps.Scale(width=size.width, height=size.height)


def _resize(operation: Resize, state: State) -> tuple[Step, ...]:
    size, width, height = state.size, operation.width, operation.height
    if state.stretch is StretchMode.ON:
        return (_scale(_proportional(size, width, height)),)
    # No side grows; one that was asked for larger stays as it is, and the absent one follows the ratio.
    small = _proportional(size, _least(width, size.width), _least(height, size.height))
    if state.stretch is StretchMode.OFF:
        return (_scale(small),)
    box = Size(width or small.width, height or small.height)
    left, top = (box.width - small.width) // 2, (box.height - small.height) // 2
    return (_scale(small), *_window(small, -left, -top, box, state.fill))


def _least(asked: int | None, there: int) -> int | None:
    return None if asked is None else min(asked, there)


def _proportional(size: Size, width: int | None, height: int | None) -> Size:
    """A side that is absent follows the ratio."""
    if width is None:
        return size if height is None else Size(_share(size.width, height, size.height), height)
    return Size(width, _share(size.height, width, size.width) if height is None else height)


def _scale_crop(operation: ScaleCrop, state: State) -> tuple[Step, ...]:
    size, box = state.size, Size(operation.width, operation.height)
    covering = _covering(size, box)
    if covering.width > size.width or covering.height > size.height:
        if state.stretch is StretchMode.FILL:
            left, top = operation.position.of(size.width - box.width, size.height - box.height)
            return _window(size, left, top, box, state.fill)
        if state.stretch is StretchMode.OFF:
            covering, box = size, Size(min(box.width, size.width), min(box.height, size.height))
    spare = Size(covering.width - box.width, covering.height - box.height)
    left, top = operation.position.of(*spare)
    # The box is covered, whatever the position: pixels beyond the border do not exist.
    left, top = min(max(left, 0), spare.width), min(max(top, 0), spare.height)
    return _scale(covering), steps.Crop(left=left, top=top, width=box.width, height=box.height)


def _crop(operation: Crop, state: State) -> tuple[Step, ...]:
    size = state.size
    if operation.ratio is not None:
        across, down = operation.ratio
        if size.width * down >= size.height * across:
            box = Size(min(size.width, _share(size.height, across, down)), size.height)
        else:
            box = Size(size.width, min(size.height, _share(size.width, down, across)))
    else:
        assert operation.box is not None
        box = Size(*operation.box.of(*size))
    left, top = operation.position.of(size.width - box.width, size.height - box.height)
    return _window(size, left, top, box, state.fill)


def _window(size: Size, left: int, top: int, box: Size, fill: Colour) -> tuple[Step, ...]:
    """Steps that show a box of a picture, and `fill` where the box lies outside."""
    inside = _clipped(left, top, box, size)
    if inside is None:
        return (steps.Blank(width=box.width, height=box.height, colour=fill),)
    cut = () if (inside.width, inside.height) == size else (inside,)
    if (inside.width, inside.height) == box:
        return cut
    embed = steps.Embed(
        left=inside.left - left, top=inside.top - top, width=box.width, height=box.height, colour=fill
    )  # fmt: skip
    return (*cut, embed)


def _clipped(left: int, top: int, box: Size, size: Size) -> steps.Crop | None:
    """The part of a box that lies inside the picture; None when there is none."""
    right, bottom = min(left + box.width, size.width), min(top + box.height, size.height)
    left, top = max(left, 0), max(top, 0)
    if right <= left or bottom <= top:
        return None
    return steps.Crop(left=left, top=top, width=right - left, height=bottom - top)


def _inside(box: Box, position: Position, size: Size) -> steps.Crop | None:
    width, height = box.of(*size)
    left, top = position.of(size.width - width, size.height - height)
    return _clipped(left, top, Size(width, height), size)


def _lay(operation: Overlay, state: State) -> tuple[Step, ...]:
    if operation.source not in state.layers or not operation.opacity:
        return ()
    size = state.size
    number, natural = state.layers[operation.source]
    drawn = _fitted(natural, *operation.box.of(*size))
    left, top = operation.position.of(size.width - drawn.width, size.height - drawn.height)
    if _clipped(left, top, drawn, size) is None:
        return ()
    return (
        steps.Lay(
            layer=number, left=left, top=top, width=drawn.width, height=drawn.height, opacity=operation.opacity
        ),
    )  # fmt: skip


def _round(operation: BorderRadius, size: Size) -> tuple[Step, ...]:
    """Radii in pixels, shrunk together when they would overlap (CSS Backgrounds 3, 4.5)."""
    across = [r.value * size.width / 100 if r.is_percent else float(r.value) for r in operation.across]
    down = [r.value * size.height / 100 if r.is_percent else float(r.value) for r in operation.down]
    sums = [
        (size.width, across[0] + across[1]),
        (size.width, across[3] + across[2]),
        (size.height, down[0] + down[3]),
        (size.height, down[1] + down[2]),
    ]
    shrink = min([1.0, *(side / total for side, total in sums if total)])
    corners = [(x * shrink, y * shrink) for x, y in zip(across, down, strict=True)]
    if not any(x and y for x, y in corners):
        return ()
    first, second, third, fourth = corners
    return (steps.Round(radii=(first, second, third, fourth)),)


def _fitted(size: Size, width: int, height: int) -> Size:
    if size.width <= width and size.height <= height:
        return size
    # Compare W/w with H/h without division: the tighter side is met exactly, the other is rounded.
    if width * size.height <= height * size.width:
        return Size(width, min(height, _share(size.height, width, size.width)))
    return Size(min(width, _share(size.width, height, size.height)), height)


def _covering(size: Size, box: Size) -> Size:
    """The smallest size of the same ratio that covers the box."""
    if box.width * size.height >= box.height * size.width:
        return Size(box.width, max(box.height, _share(size.height, box.width, size.width)))
    return Size(max(box.width, _share(size.width, box.height, size.height)), box.height)


def _share(side: int, new: int, old: int) -> int:
    """`side` scaled by new/old, rounded half up, at least 1."""
    return max(1, (2 * side * new + old) // (2 * old))
