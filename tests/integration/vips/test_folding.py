"""A folded chain makes the picture of the unfolded one.

What is stated: boxes, turns and point operations by themselves, exact to rounding (each stage of an unfolded chain
rounds to 8 bits; steep curves magnify that). Chains with scalings: a mean difference of a few levels on photographs.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.adapters.vips.apply import applied
from longshore.core.imaging.fold import fold
from longshore.core.imaging.operations import Crop, Flip, Mirror, Operation, Preview, Resize, Rotate, ScaleCrop
from longshore.core.imaging.operations.colour import (
    Brightness,
    Contrast,
    Exposure,
    Gamma,
    Grayscale,
    Invert,
    Saturation,
    Vibrance,
    Warmth,
)
from longshore.core.imaging.operations.values import Box, Length, Position
from longshore.core.imaging.steps import Size
from tests import corpus
from tests.integration.vips.chain import NOTHING, Pixels, far, farthest, image_of, pixels_of, steps_of

PHOTO = corpus.photo(640, 480, 5)[:240, :320]
PERCENT = st.integers(20, 100).map(lambda value: Length(value, True))
BOXES: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Crop, box=st.builds(Box, PERCENT, PERCENT), position=st.builds(Position, PERCENT, PERCENT)),
    st.builds(Rotate, angle=st.sampled_from([90, 180, 270])),
    st.just(Flip()),
    st.just(Mirror()),
)
POINTS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Brightness, amount=st.integers(-60, 60)),
    st.builds(Contrast, amount=st.integers(-60, 60)),
    st.builds(Gamma, amount=st.integers(60, 170)),
    st.builds(Exposure, amount=st.integers(-60, 60)),
    st.builds(Saturation, amount=st.integers(-100, 60)),
    st.builds(Vibrance, amount=st.integers(-100, 60)),
    st.builds(Warmth, amount=st.integers(-100, 100)),
    st.just(Grayscale()),
    st.just(Invert()),
)
SIDES = st.integers(90, 300)
SCALINGS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Preview, width=SIDES, height=SIDES),
    st.builds(Resize, width=SIDES),
    st.builds(ScaleCrop, width=SIDES, height=SIDES, position=st.just(Position(Length(50, True), Length(50, True)))),
)


def both(operations: tuple[Operation, ...]) -> tuple[Pixels, Pixels]:
    size = Size(PHOTO.shape[1], PHOTO.shape[0])
    steps, _ = steps_of(operations, size)
    one, other = (pixels_of(applied(image_of(PHOTO), chain, NOTHING)[0]) for chain in (fold(size, steps), steps))
    return one, np.broadcast_to(other, (*other.shape[:2], one.shape[2])) if other.shape[2] == 1 else other


@settings(max_examples=60, deadline=None)
@given(st.lists(BOXES, max_size=8).map(tuple))
def test_boxes_and_turns_fold_exactly(operations: tuple[Operation, ...]) -> None:
    one, other = both(operations)
    assert farthest(one, other) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(BOXES | POINTS, max_size=7).map(tuple))
def test_boxes_and_colours_fold_to_within_rounding(operations: tuple[Operation, ...]) -> None:
    one, other = both(operations)
    assert far(one, other) < 1.5
    assert farthest(one, other) < 24


@settings(max_examples=60, deadline=None)
@given(st.lists(BOXES | POINTS | SCALINGS, max_size=6).map(tuple))
def test_any_chain_folds_to_the_same_picture(operations: tuple[Operation, ...]) -> None:
    one, other = both(operations)
    assert far(one, other) < 4
    assert abs(one.mean() - other.mean()) < 2.5
