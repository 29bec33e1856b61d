"""When a smaller copy will do."""

from __future__ import annotations

import pytest

from longshore.core.imaging.grammar import parse
from longshore.core.imaging.limits import DEFAULT_LIMITS
from longshore.core.imaging.mezzanine import mezzanine_plan, through_mezzanine
from longshore.core.imaging.negotiate import AcceptClass, choose
from longshore.core.imaging.plan import Plan, make_plan
from longshore.core.media import ImageFacts


def photo(**facts: object) -> ImageFacts:
    return ImageFacts(**{"format": "JPEG", "width": 4000, "height": 3000, "color_mode": "RGB", **facts})  # type: ignore[arg-type]


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


def test_pixels_as_they_are_stored_are_not_in_it() -> None:
    """Its own are upright."""
    facts = photo(orientation=6, width=3000, height=4000)
    assert through_mezzanine(plan("-/preview/100x100/-/autorotate/no/", facts), facts) is None
    assert through_mezzanine(plan("-/preview/100x100/", facts), facts) is not None
