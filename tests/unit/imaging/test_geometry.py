"""Sizes of thousands of random chains against a model in exact fractions; folding keeps them."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.core.imaging.fold import fold
from longshore.core.imaging.geometry import Size, State, expand
from longshore.core.imaging.grammar import BadOperation, canonical, parse
from longshore.core.imaging.limits import ImageLimits
from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.operations import (
    Colour,
    Crop,
    Length,
    Operation,
    Preview,
    Resize,
    Rotate,
    ScaleCrop,
    Stretch,
    StretchMode,
    Trim,
    normalise,
)
from longshore.core.imaging.plan import continued, make_plan
from longshore.core.imaging.steps import (
    UPRIGHT,
    Blank,
    Embed,
    Points,
    Scale,
    Stage,
    Step,
    Turn,
    before_turn,
    size_after,
)
from longshore.core.imaging.steps import Crop as CropStep
from longshore.core.imaging.steps import Trim as TrimStep
from longshore.core.media import ImageFacts
from tests.unit.imaging.chains import acting, geometry, points

CHAINS = st.lists(geometry(3000) | points(), max_size=12).map(tuple)
SIZES = st.builds(Size, st.integers(1, 4000), st.integers(1, 4000))
MANY = settings(max_examples=1500, deadline=None)


def nearest(value: Fraction) -> int:
    return max(1, floor(value + Fraction(1, 2)))


def length(one: Length, whole: int) -> int:
    return nearest(Fraction(one.value * whole, 100)) if one.is_percent else one.value


def model(operations: tuple[Operation, ...], size: Size) -> Size:
    """What the contract says of sizes, one operation after another, in fractions."""
    w, h = size
    mode = StretchMode.ON
    for operation in operations:
        match operation:
            case Stretch():
                mode = operation.mode
            case Preview(width=across, height=down):
                scale = min(Fraction(across, w), Fraction(down, h), Fraction(1))
                w, h = min(nearest(w * scale), max(1, across)), min(nearest(h * scale), max(1, down))
            case Resize(width=across, height=down):
                if mode is not StretchMode.ON:
                    a = None if across is None else min(across, w)
                    d = None if down is None else min(down, h)
                else:
                    a, d = across, down
                if a is None and d is not None:
                    a = nearest(Fraction(w * d, h))
                elif d is None and a is not None:
                    d = nearest(Fraction(h * a, w))
                assert a is not None
                assert d is not None
                w, h = (across or a, down or d) if mode is StretchMode.FILL else (a, d)
                mode = StretchMode.ON
            case ScaleCrop(width=across, height=down):
                if mode is StretchMode.OFF and max(Fraction(across, w), Fraction(down, h)) > 1:
                    w, h = min(across, w), min(down, h)
                else:
                    w, h = across, down
                mode = StretchMode.ON
            case Crop(ratio=(n, m)):
                scale = min(Fraction(w, n), Fraction(h, m))
                w, h = min(w, nearest(n * scale)), min(h, nearest(m * scale))
            case Crop(box=box) if box is not None:
                w, h = length(box.width, w), length(box.height, h)
            case Rotate(angle=90 | 270):
                w, h = h, w
            case _:
                pass
    return Size(w, h)


def walked(operations: tuple[Operation, ...], size: Size) -> tuple[tuple[Step, ...], Size]:
    state, steps = State(size=size), list[Step]()
    for operation in operations:
        more, state = expand(operation, state)
        steps += more
    return tuple(steps), state.size


def after(steps: tuple[Step, ...], size: Size) -> Size:
    """Also: every box lies inside the picture it is cut out of, every picture inside what it is laid into."""
    for step in steps:
        match step:
            case CropStep():
                assert 0 <= step.left <= step.left + step.width <= size.width
                assert 0 <= step.top <= step.top + step.height <= size.height
                assert min(step.width, step.height) > 0
            case Embed():
                assert 0 <= step.left <= step.left + size.width <= step.width
                assert 0 <= step.top <= step.top + size.height <= step.height
            case _:
                pass
        size = size_after(step, size)
        assert min(size) > 0
    return size


@MANY
@given(CHAINS, SIZES)
def test_sizes_are_the_contracts(operations: tuple[Operation, ...], size: Size) -> None:
    steps, promised = walked(operations, size)
    assert promised == model(operations, size) == after(steps, size)


@MANY
@given(CHAINS, SIZES)
def test_folding_keeps_sizes_and_never_adds_steps(operations: tuple[Operation, ...], size: Size) -> None:
    steps, promised = walked(operations, size)
    folded = fold(size, steps)
    assert after(folded, size) == promised
    assert len(folded) <= len(steps)
    assert fold(size, folded) == folded


@MANY
@given(st.lists(acting(2000), max_size=10).map(tuple), SIZES)
def test_a_plan_promises_a_size_within_the_limits_or_is_refused(operations: tuple[Operation, ...], size: Size) -> None:
    facts = ImageFacts(format="JPEG", width=size.width, height=size.height, color_mode="RGB")
    operations = normalise(tuple(op for op in operations if op.name != "overlay"))
    limits = ImageLimits(output_side=2500)
    try:
        plan = make_plan(operations, facts, Choice(format=OutputFormat.PNG, varies=False), limits)
    except BadOperation:
        return
    assert max(plan.width, plan.height) <= 2500
    if plan.is_exact:
        assert after(plan.steps, size) == (plan.width, plan.height)
        return
    for step in plan.steps:  # what the trim leaves may be anything up to the whole
        if isinstance(step, TrimStep):
            try:
                steps, result = continued(step, Size(max(1, size.width // 3), 1), plan.layers)
            except BadOperation:
                return
            assert max(result) <= 2500
            assert after(steps, Size(max(1, size.width // 3), 1)) == result


@given(SIZES, st.sampled_from(sorted(UPRIGHT)), st.data())
def test_a_box_before_a_turn_is_the_box_after_it(size: Size, orientation: int, data: st.DataObject) -> None:
    turn = UPRIGHT[orientation]
    turned = size_after(turn, size)
    left, top = data.draw(st.integers(0, turned.width - 1)), data.draw(st.integers(0, turned.height - 1))
    width = data.draw(st.integers(1, turned.width - left))
    height = data.draw(st.integers(1, turned.height - top))
    box = before_turn(turn, size, CropStep(left=left, top=top, width=width, height=height))
    assert after((box, turn), size) == (width, height)


def folded(*steps: Step, size: Size = Size(400, 300)) -> tuple[Step, ...]:  # noqa: B008 - immutable
    return fold(size, steps)


@pytest.mark.parametrize("kind", ["gentle", "harsh"])
def test_boxes_and_gentle_scalings_come_before_point_operations(kind: str) -> None:
    point = Points(stages=(Stage("contrast", 20 if kind == "gentle" else 500),))
    crop, down, up = (
        CropStep(left=1, top=2, width=200, height=200),
        Scale(width=50, height=50),
        Scale(width=500, height=500),
    )
    assert folded(point, crop, down) == ((crop, down, point) if kind == "gentle" else (crop, point, down))
    assert folded(point, crop, up) == (crop, point, up)


def test_neighbours_become_one() -> None:
    one, two = Stage("brightness", 5), Stage("invert")
    assert folded(Points(stages=(one,)), Points(stages=(two,))) == (Points(stages=(one, two)),)
    assert folded(Turn(quarters=1, mirrored=False), Turn(quarters=3, mirrored=False)) == ()
    assert folded(Turn(quarters=1, mirrored=True), Turn(quarters=1, mirrored=True)) == ()
    first, second = CropStep(left=5, top=6, width=100, height=90), CropStep(left=1, top=2, width=10, height=9)
    assert folded(first, second) == (CropStep(left=6, top=8, width=10, height=9),)
    assert folded(CropStep(left=0, top=0, width=400, height=300), Scale(width=400, height=300)) == ()


def test_the_editors_order_is_decoded_as_a_box_and_a_size() -> None:
    """Colours, mirror, rotate, crop, preview: the decoder does the last two first."""
    path = "-/brightness/20/-/contrast/30/-/warmth/5/-/mirror/-/rotate/90/-/crop/1000x1500/200,300/-/preview/500x500/"
    steps = fold(Size(4000, 3000), walked(parse(path).operations, Size(4000, 3000))[0])
    assert [type(step) for step in steps] == [CropStep, Scale, Turn, Points]


def test_what_is_blank_needs_no_more_than_its_colour() -> None:
    steps, size = walked(parse("-/setfill/f00/-/crop/50x40/9999,0/").operations, Size(400, 300))
    assert (steps, size) == ((Blank(width=50, height=40, colour=Colour(255, 0, 0)),), (50, 40))


@given(st.lists(geometry(3000), max_size=5).map(tuple), SIZES)
def test_trim_takes_the_rest_along(operations: tuple[Operation, ...], size: Size) -> None:
    facts = ImageFacts(format="PNG", width=size.width, height=size.height, color_mode="RGB")
    limits = ImageLimits(output_side=10**12)
    operations = normalise(operations)
    choice = Choice(format=OutputFormat.PNG, varies=False)
    plan = make_plan((Trim(tolerance=1), *operations), facts, choice, limits)
    trim = plan.steps[0]
    assert isinstance(trim, TrimStep)
    assert not plan.is_exact
    steps, result = continued(trim, size, ())
    assert result == model(operations, size) == after(steps, size)
    assert trim.rest == canonical(operations)
