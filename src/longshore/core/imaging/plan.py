"""From operations and facts to a plan: what a renderer has to do, folded so that pixels are touched as little as
possible.

A plan is plain values (numbers, words, tuples), so it can travel to another process. Its output size is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from longshore.core.imaging.documents import DOCUMENT_SIDE, Document, make_document
from longshore.core.imaging.encoding import Encode, make_encode
from longshore.core.imaging.fold import fold
from longshore.core.imaging.geometry import (
    Layers,
    Size,
    State,
    expand,
    is_rotated,
    resulting,
    source_size,
    upright,
)
from longshore.core.imaging.grammar import BadOperation, canonical, parse
from longshore.core.imaging.limits import DEFAULT_LIMITS, ImageLimits, check_frames, check_input, check_output
from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.operations import SELF, Operation, Overlay, Preview, Profile, document_of
from longshore.core.imaging.operations import Document as DocumentOperation
from longshore.core.imaging.operations.shape import Trim as TrimOperation
from longshore.core.imaging.steps import (
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
    Step,
    Trim,
    Turn,
    size_after,
)
from longshore.core.media import ImageFacts

#: Rough milliseconds of one core per megapixel, from media.md 2 and our own measurements. Only their order matters:
#: they choose a queue.
_DECODE_COST = {"JPEG": 4, "PNG": 8, "WEBP": 10, "AVIF": 22, "HEIF": 45, "GIF": 10, "TIFF": 6, "SVG": 50}
_ENCODE_COST = {
    OutputFormat.JPEG: 8,
    OutputFormat.PNG: 60,
    OutputFormat.WEBP: 50,
    OutputFormat.AVIF: 90,
    OutputFormat.GIF: 90,
}
_STEP_COST: dict[type[Step], int] = {
    Scale: 10,
    Crop: 1,
    Embed: 5,
    Turn: 4,
    Points: 12,
    Enhance: 21,
    Blur: 60,
    BlurRegion: 60,
    Sharpen: 25,
    Round: 5,
    Rectangle: 9,
    Lay: 25,
    Trim: 30,
}
_HEAVY = 400
"""Milliseconds above which a job waits in the heavy queue."""
MAX_LAYERS = 8
"""Different files that one path may draw: each is a decoding of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """What is read: Pillow's format name, the size of the stored pixels (before any rotation), and whether the EXIF
    orientation is applied. A renderer checks them against the bytes. `frames` above 1: an animation, all of whose
    frames are read, worked on and written. `profile`: what becomes of an embedded colour profile, which stays only up
    to `max_profile` bytes."""

    format: str
    width: int
    height: int
    rotated: bool
    frames: int = 1
    profile: Profile = Profile.FAST
    max_profile: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Another picture that steps draw over this one: the file's id or `self`, and its upright size in pixels."""

    source: str
    decode: Decode
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Decode, steps in order, encode; the promised size of the result in pixels; `cost` in rough milliseconds.

    When `is_exact` is false the size depends on pixels (`trim`); it is then the size without it. Layers other than
    `self` need a descriptor each, in their order.
    """

    decode: Decode
    steps: tuple[Step, ...]
    encode: Encode | Document
    width: int
    height: int
    cost: int
    layers: tuple[Layer, ...] = ()
    is_exact: bool = True

    @property
    def is_heavy(self) -> bool:
        return self.cost > _HEAVY

    @property
    def content_type(self) -> str:
        return self.encode.content_type if isinstance(self.encode, Document) else self.encode.format.content_type

    @property
    def overlays(self) -> tuple[str, ...]:
        """The ids of the files whose descriptors are needed, in the order of the layers."""
        return tuple(layer.source for layer in self.layers if layer.source != SELF)


def make_plan(
    operations: tuple[Operation, ...],
    facts: ImageFacts,
    choice: Choice,
    limits: ImageLimits = DEFAULT_LIMITS,
    *,
    file_id: str = "",
    overlays: Mapping[str, ImageFacts] | None = None,
) -> Plan:
    """Fold `operations` on an image of these `facts` into a plan that writes `choice.format`.

    `file_id` is what a document calls the file; `overlays` are the facts of the other files that operations draw.
    Raises MediaTooLarge (a source) or BadOperation (the result would be too large, an overlay is missing).
    """
    check_input(facts, limits)
    document = document_of(operations)
    layers = _layers(operations, facts, overlays or {}, limits)
    numbers: Layers = {layer.source: (n, Size(layer.width, layer.height)) for n, layer in enumerate(layers)}
    side = _longest(choice, limits)
    source = source_size(operations, facts)
    steps, result = _chain(operations, State(size=source, layers=numbers), side, document)
    if not document:  # what a document describes is never encoded: only what grows on the way is bounded
        check_output(*result, side=side)
    is_exact = not any(isinstance(step, Trim) for step in steps)
    # Frames must stay of one size, and trim looks at pixels: of an animation it gets the first frame only.
    frames = facts.frames if choice.animated and not document and is_exact else 1
    check_frames(*result, frames, limits)
    encoding = make_encode(operations, choice)
    return Plan(
        decode=replace(
            _decode(facts, rotated=is_rotated(operations), frames=frames),
            profile=encoding.profile,
            max_profile=encoding.max_profile,
        ),
        steps=steps,
        encode=make_document(document, operations, facts, result, file_id) if document else encoding,
        width=result.width,
        height=result.height,
        cost=(_cost(facts, result, choice.format) + _steps_cost(steps, source)) * frames
        + sum(_decode_cost(layer) for layer in layers),
        layers=layers,
        is_exact=is_exact,
    )


def continued(trim: Trim, size: Size, layers: tuple[Layer, ...]) -> tuple[tuple[Step, ...], Size]:
    """The steps that follow `trim` on a picture that it left with `size`, and the size of the result.

    Raises BadOperation when that is too large.
    """
    numbers: Layers = {layer.source: (n, Size(layer.width, layer.height)) for n, layer in enumerate(layers)}
    state = State(size=size, fill=trim.fill, stretch=trim.stretch, layers=numbers)
    steps, result = _chain(parse(trim.rest).operations, state, trim.side, None)
    if not trim.small:
        check_output(*result, side=trim.side)
    else:
        steps = fold(size, (*steps, _fitting(result, trim.small)))
    return steps, result


def _chain(
    operations: tuple[Operation, ...], state: State, side: int, document: DocumentOperation | None
) -> tuple[tuple[Step, ...], Size]:
    """The folded steps of positional operations, and the size they leave. `trim` takes what follows it along."""
    first, steps = state.size, list[Step]()
    trim: Trim | None = None
    for index, operation in enumerate(operations):
        if isinstance(operation, TrimOperation):
            rest = tuple(later for later in operations[index + 1 :] if later.positional)
            trim = Trim(
                tolerance=operation.tolerance,
                padding=operation.padding,
                rest=canonical(rest),
                fill=state.fill,
                stretch=state.stretch,
                side=side,
                small=DOCUMENT_SIDE if document else 0,
            )
            steps.append(trim)
        more, after = expand(operation, state)
        # Each size on the way counts, except smaller ones: an enormous intermediate costs as much as such a result.
        if max(after.size) > max(state.size) or math.prod(after.size) > math.prod(state.size):
            check_output(*after.size, side=side)
        state = after
        if trim is None:
            steps += more
    if document and trim is None:
        steps.append(_fitting(state.size, DOCUMENT_SIDE))
    return fold(first, tuple(steps)), state.size


def _fitting(size: Size, side: int) -> Scale:
    fitted = resulting(Preview(width=side, height=side), size)
    return Scale(width=fitted.width, height=fitted.height)


def _longest(choice: Choice, limits: ImageLimits) -> int:
    """The longest side of a result. More is allowed where it is a JPEG for certain, for every client."""
    is_jpeg = choice.format is OutputFormat.JPEG and not choice.varies
    return limits.jpeg_side if is_jpeg else limits.output_side


def _layers(
    operations: tuple[Operation, ...], facts: ImageFacts, overlays: Mapping[str, ImageFacts], limits: ImageLimits
) -> tuple[Layer, ...]:
    found: dict[str, Layer] = {}
    for operation in operations:
        if isinstance(operation, Overlay) and operation.source not in found:
            what = facts if operation.source == SELF else overlays.get(operation.source)
            if what is None:
                raise BadOperation(f'"overlay/{operation.source}": there is no such image in this project')
            check_input(what, limits)
            size = source_size(operations, what) if operation.source == SELF else upright(what)
            rotated = is_rotated(operations) if operation.source == SELF else True
            found[operation.source] = Layer(
                source=operation.source,
                decode=_decode(what, rotated=rotated, frames=1),
                width=size.width,
                height=size.height,
            )
    if len(found) > MAX_LAYERS:
        raise BadOperation(f"The path draws {len(found)} different files; at most {MAX_LAYERS} are allowed")
    return tuple(found.values())


def _decode(facts: ImageFacts, *, rotated: bool, frames: int) -> Decode:
    turned = (facts.orientation or 1) > 4
    width, height = (facts.height, facts.width) if turned else (facts.width, facts.height)
    return Decode(format=facts.format, width=width, height=height, rotated=rotated, frames=frames)


def preview_plan(facts: ImageFacts, side: int = 320, limits: ImageLimits = DEFAULT_LIMITS) -> Plan:
    """The small WebP that is made of every image: fits a square of `side` pixels. Raises MediaTooLarge."""
    return make_plan((Preview(width=side, height=side),), facts, Choice(format=OutputFormat.WEBP, varies=False), limits)


def _cost(facts: ImageFacts, result: Size, output: OutputFormat) -> int:
    decoded = result if facts.format == "SVG" else Size(facts.width, facts.height)
    # A progressive JPEG or interlaced PNG keeps the whole picture in memory and cannot be shrunk while it is read.
    per_megapixel = _DECODE_COST.get(facts.format, 20) * (3 if facts.progressive else 1)
    decode = decoded.width * decoded.height * per_megapixel
    encode = result.width * result.height * (_ENCODE_COST[output] + 4)
    return (decode + encode) // 1_000_000


def _steps_cost(steps: tuple[Step, ...], size: Size) -> int:
    """What follows the first geometry, which counts as decoding."""
    cost, begun = 0, False
    for step in steps:
        after = size_after(step, size)
        begun = begun or not isinstance(step, Crop | Scale)
        if begun:
            cost += max(size.width * size.height, after.width * after.height) * _STEP_COST.get(type(step), 5)
        size = after
    return cost // 1_000_000


def _decode_cost(layer: Layer) -> int:
    return layer.width * layer.height * _DECODE_COST.get(layer.decode.format, 20) // 1_000_000
