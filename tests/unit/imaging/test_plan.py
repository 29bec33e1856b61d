"""Plans: exact sizes, folded scalings, limits, keys."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.core.imaging.geometry import Size, output_size, resulting
from longshore.core.imaging.grammar import BadOperation, parse
from longshore.core.imaging.limits import ImageLimits
from longshore.core.imaging.negotiate import AcceptClass, Choice, OutputFormat, choose
from longshore.core.imaging.operations import Operation, Preview, Resize
from longshore.core.imaging.plan import Decode, Plan, Scale, make_plan, preview_plan
from longshore.core.imaging.transformation import Transformation, cache_key
from longshore.core.media import ImageFacts, MediaTooLarge

PHOTO = ImageFacts(format="JPEG", width=4000, height=3000, color_mode="RGB")
UPRIGHT = ImageFacts(format="JPEG", width=3000, height=4000, color_mode="RGB", orientation=6)


def planned(path: str, facts: ImageFacts = PHOTO) -> Plan:
    operations = parse(path).operations
    return make_plan(operations, facts, choose(operations, AcceptClass.OTHER, facts))


@pytest.mark.parametrize(
    ("path", "facts", "expected"),
    [
        ("-/preview/800x600/", PHOTO, (800, 600)),
        ("-/preview/", PHOTO, (2048, 1536)),
        ("-/preview/800x600/", UPRIGHT, (450, 600)),
        ("-/preview/800x600/-/autorotate/no/", UPRIGHT, (800, 600)),
        ("-/preview/1000x10/", PHOTO, (13, 10)),
        ("-/preview/5000x5000/", PHOTO, (4000, 3000)),
        ("-/resize/1000x/", PHOTO, (1000, 750)),
        ("-/resize/x1000/", PHOTO, (1333, 1000)),
        ("-/resize/100x100/", PHOTO, (100, 100)),
        ("-/resize/5000x/", PHOTO, (5000, 3750)),
        ("-/resize/1x/", PHOTO, (1, 1)),
        ("-/preview/100x100/-/resize/x150/", PHOTO, (200, 150)),
        ("-/resize/8000x/-/format/jpeg/", PHOTO, (8000, 6000)),
        ("-/format/png/", PHOTO, (4000, 3000)),
    ],
)
def test_the_size_is_known_before_any_pixel(path: str, facts: ImageFacts, expected: tuple[int, int]) -> None:
    plan = planned(path, facts)
    assert (plan.width, plan.height) == expected == output_size(parse(path).operations, facts)


@given(*[st.integers(1, 20_000)] * 4)
def test_a_preview_fits_keeps_the_ratio_and_never_enlarges(width: int, height: int, box: int, tall: int) -> None:
    got = resulting(Preview(width=box, height=tall), Size(width, height))
    scale = min(Fraction(box, width), Fraction(tall, height), Fraction(1))
    assert got.width <= max(1, box)
    assert got.height <= max(1, tall)
    assert got.width == pytest.approx(max(1, float(width * scale)), abs=0.5)
    assert got.height == pytest.approx(max(1, float(height * scale)), abs=0.5)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("-/format/webp/", []),
        ("-/preview/9000x9000/", []),
        ("-/resize/4000x3000/", []),
        ("-/preview/800x600/-/resize/400x/", [(400, 300)]),
        ("-/resize/5000x/-/resize/400x/", [(400, 300)]),
        ("-/resize/4500x/-/resize/5000x/", [(5000, 3750)]),
        ("-/preview/100x100/-/resize/800x/", [(100, 75), (800, 600)]),
        ("-/resize/100x5000/-/resize/5000x100/", [(100, 5000), (5000, 100)]),
        ("-/resize/5000x/-/resize/4000x3000/", []),
        ("-/preview/900x900/-/resize/800x/-/resize/700x/", [(700, 525)]),
    ],
)
def test_scalings_that_lose_nothing_more_are_folded_into_one(path: str, steps: list[tuple[int, int]]) -> None:
    assert planned(path).steps == tuple(Scale(width=width, height=height) for width, height in steps)


def test_a_plan_says_what_the_stored_pixels_are() -> None:
    assert planned("-/preview/", UPRIGHT).decode == Decode(
        format="JPEG", width=4000, height=3000, rotated=True, max_profile=10 << 10
    )
    kept = planned("-/preview/-/autorotate/no/", UPRIGHT)
    assert kept.decode == Decode(format="JPEG", width=4000, height=3000, rotated=False, max_profile=10 << 10)


@pytest.mark.parametrize(
    "path",
    [
        "-/resize/5001x/",
        "-/resize/9999x9999/",
        "-/resize/10x9000/-/format/jpeg/",
        "-/resize/9000x/-/resize/10x/",
        "-/resize/1x/-/resize/x6000/",
    ],
)
def test_a_result_that_is_too_large_is_a_bad_operation(path: str) -> None:
    with pytest.raises(BadOperation, match="at most"):
        planned(path)


@pytest.mark.parametrize(
    "facts",
    [
        ImageFacts(format="PNG", width=60_000, height=60_000, color_mode="RGB"),
        ImageFacts(format="PNG", width=70_000, height=1, color_mode="RGB"),
        ImageFacts(format="GIF", width=4000, height=4000, color_mode="P", sequence=True, frames=500),
    ],
)
def test_a_source_that_is_too_large_is_refused(facts: ImageFacts) -> None:
    with pytest.raises(MediaTooLarge):
        planned("-/preview/", facts)


def test_the_small_preview_is_a_plan_like_any_other() -> None:
    plan = preview_plan(UPRIGHT)
    assert (plan.width, plan.height, plan.content_type) == (240, 320, "image/webp")
    with pytest.raises(MediaTooLarge):
        preview_plan(PHOTO, limits=ImageLimits(input_pixels=1000))


def test_costly_work_is_heavy() -> None:
    assert not planned("-/preview/800x600/").is_heavy
    large = ImageFacts(format="JPEG", width=10_000, height=9_000, color_mode="RGB", progressive=True)
    assert planned("-/preview/800x600/", large).is_heavy
    wide: tuple[Operation, ...] = (Resize(width=4000),)
    assert make_plan(wide, PHOTO, Choice(format=OutputFormat.AVIF, varies=False)).is_heavy


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-/preview/800x600/", "-/preview/800x600/-/format/auto/"),
        ("-/preview/800x600/", "-/autorotate/yes/-/preview/800x600/-/strip_meta/all/-/inline/no/name.jpg"),
        ("-/preview/", "-/preview/2048x2048/-/progressive/no/"),
        ("-/format/auto/", "-/progressive/no/"),
        ("-/quality/best/-/preview/", "-/preview/-/quality/best/"),
    ],
)
def test_paths_that_ask_for_the_same_share_a_key(one: str, other: str) -> None:
    keys = {Transformation.of("file", parse(path).operations).key(OutputFormat.WEBP) for path in (one, other)}
    assert len(keys) == 1


def test_every_part_of_a_key_counts() -> None:
    parts = [
        ("a", "bc", "d", "1"),
        ("ab", "c", "d", "1"),
        ("a", "bc", "e", "1"),
        ("a", "bc", "d", "2"),
        ("a", "", "bcd", "1"),
    ]
    assert len({cache_key(*part) for part in parts}) == len(parts)
    assert Transformation.of("file", parse("-/inline/no/").operations).operations == ()


def test_costly_steps_make_work_heavy() -> None:
    """Ninety boxes blurred, one after another, must not wait among thumbnails."""
    assert not planned("-/preview/1000x1000/-/blur/50/").is_heavy
    assert planned("-/preview/2000x2000/" + "-/blur_region/90px90p/center/100/" * 90).is_heavy
    assert not planned("-/brightness/10/-/crop/50px50p/-/preview/800x800/").is_heavy
    assert planned("-/contrast/400/-/saturation/90/-/enhance/100/-/sharp/9/").is_heavy


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-/crop/10x10/center/", "-/crop/10x10/50p,50%25/"),
        ("-/brightness/0/-/preview/", "-/preview/"),
        ("-/crop/1:1/", "-/crop/1:1/center/"),
        ("-/rotate/-90/", "-/rotate/270/"),
        ("-/setfill/FFF/-/crop/9x9/", "-/setfill/ffffffff/-/crop/9x9/0p,0/"),
        ("-/preview/-/json/", "-/quality/best/-/preview/-/format/png/-/json/"),
        ("-/blur/", "-/blur/10/100/"),
        ("-/overlay/self/", "-/overlay/self/100px100p/0,0/100p/"),
    ],
)
def test_spellings_of_the_same_share_a_key(one: str, other: str) -> None:
    keys = {Transformation.of("file", parse(path).operations).key(OutputFormat.WEBP) for path in (one, other)}
    assert len(keys) == 1


def test_reading_a_path_and_its_key_take_no_time_worth_naming() -> None:
    """The budget is 60 microseconds for both (`benchmarks`); here ten times that, for a busy machine."""
    best = 1.0
    for _ in range(50):
        began = time.perf_counter()
        Transformation.of("file", parse("-/preview/800x600/-/format/auto/").operations).key(OutputFormat.AVIF)
        best = min(best, time.perf_counter() - began)
    assert best < 600e-6
