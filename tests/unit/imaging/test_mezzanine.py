"""When a smaller copy will do."""

from __future__ import annotations

import pytest

from longshore.core.imaging.grammar import parse
from longshore.core.imaging.limits import DEFAULT_LIMITS
from longshore.core.imaging.mezzanine import mezzanine_plan, through_mezzanine
from longshore.core.imaging.negotiate import AcceptClass, choose
from longshore.core.imaging.plan import Plan, make_plan
from longshore.core.imaging.steps import Crop, Scale
from longshore.core.media import ImageFacts


def photo(**facts: object) -> ImageFacts:
    return ImageFacts(**{"format": "JPEG", "width": 4000, "height": 3000, "color_mode": "RGB", **facts})


def plan(path: str, facts: ImageFacts) -> Plan:
    operations = parse(path).operations
    return make_plan(operations, facts, choose(operations, AcceptClass.OTHER, facts))


@pytest.mark.parametrize(
    ("facts", "size"),
    [
        (photo(), (2048, 1536)),
        (photo(width=3000, height=4000, orientation=6), (1536, 2048)),
        (photo(format="HEIF"), (2048, 1536)),
        (photo(color_mode="CMYK"), (2048, 1536)),
        (photo(width=12_000, height=1000), (2048, 171)),
        (photo(width=2000, height=2000), None),
        (photo(width=2100, height=2000), None),
        (photo(has_alpha=True, format="WEBP", color_mode="RGBA"), None),
        (photo(sequence=True, frames=3, format="WEBP"), None),
        (photo(format="PNG"), None),
        (photo(format="SVG"), None),
    ],
)
def test_which_files_have_one(facts: ImageFacts, size: tuple[int, int] | None) -> None:
    made = mezzanine_plan(facts, DEFAULT_LIMITS)
    assert (made and (made.width, made.height)) == size


@pytest.mark.parametrize(
    ("path", "is_enough"),
    [
        ("-/preview/1024x1024/", True),
        ("-/preview/1025x1025/", False),
        ("-/resize/800x/", True),
        ("-/resize/800x900/", False),
        ("-/preview/100x100/-/format/webp/", True),
        ("-/preview/100x100/-/format/png/", False),
        ("-/preview/100x100/-/strip_meta/none/", False),
        ("-/preview/100x100/-/autorotate/no/", True),
        ("-/format/webp/", False),
    ],
)
def test_where_it_loses_nothing(path: str, is_enough: bool) -> None:
    facts = photo()
    wanted = plan(path, facts)
    reduced = through_mezzanine(wanted, facts)

    assert (reduced is not None) == is_enough
    if reduced is not None:
        assert (reduced.width, reduced.height, reduced.steps) == (wanted.width, wanted.height, wanted.steps)
        assert (reduced.decode.format, reduced.decode.width, reduced.decode.height) == ("JPEG", 2048, 1536)
        assert reduced.cost < wanted.cost


def test_a_box_is_cut_out_where_it_falls_on_its_pixels() -> None:
    facts = photo()
    part = plan("-/crop/2000x1500/1000,750/-/resize/500x/", facts)
    reduced = through_mezzanine(part, facts)

    assert part.steps == (Crop(left=1000, top=750, width=2000, height=1500), Scale(width=500, height=375))
    assert reduced is not None
    assert reduced.steps == (Crop(left=512, top=384, width=1024, height=768), Scale(width=500, height=375))
    small = plan("-/crop/2000x1500/1000,750/-/resize/600x/", facts)
    assert through_mezzanine(small, facts) is None
    odd = plan("-/crop/3000x2250/3,3/-/resize/500x/", facts)
    assert through_mezzanine(odd, facts) is None


@pytest.mark.parametrize("path", ["-/srgb/keep_profile/", "-/max_icc_size/0/"])
def test_a_profile_that_is_asked_for_is_not_in_it(path: str) -> None:
    facts = photo()
    assert through_mezzanine(plan(f"-/preview/100x100/{path}", facts), facts) is None


def test_pixels_as_they_are_stored_are_not_in_it() -> None:
    """Its own are upright."""
    facts = photo(orientation=6, width=3000, height=4000)
    assert through_mezzanine(plan("-/preview/100x100/-/autorotate/no/", facts), facts) is None
    assert through_mezzanine(plan("-/preview/100x100/", facts), facts) is not None
