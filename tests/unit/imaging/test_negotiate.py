"""Which format a client gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.core.imaging.grammar import parse
from longshore.core.imaging.negotiate import AcceptClass, OutputFormat, accept_class, choose
from longshore.core.media import ImageFacts

PHOTO = ImageFacts(format="JPEG", width=4000, height=3000, color_mode="RGB")
LOGO = ImageFacts(format="PNG", width=400, height=300, color_mode="RGBA", has_alpha=True)
DRAWING = ImageFacts(format="GIF", width=400, height=300, color_mode="P")
HEIC = ImageFacts(format="HEIF", width=400, height=300, color_mode="RGB")
ANIMATION = ImageFacts(format="GIF", width=400, height=300, color_mode="P", sequence=True, frames=9)

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, AcceptClass.OTHER),
        ("", AcceptClass.OTHER),
        ("*/*", AcceptClass.OTHER),
        ("image/*", AcceptClass.OTHER),
        (CHROME, AcceptClass.AVIF),
        ("image/webp,*/*", AcceptClass.WEBP),
        ("IMAGE/AVIF", AcceptClass.AVIF),
        ("image/avif;q=0, image/webp", AcceptClass.WEBP),
        ("image/avif;q=0.000", AcceptClass.OTHER),
        ("image/avif;q=0.1", AcceptClass.AVIF),
        (" text/html , image/webp ; q=0.9", AcceptClass.WEBP),
        ("image/avifx", AcceptClass.OTHER),
        ("," * 100_000 + "image/avif", AcceptClass.OTHER),
    ],
)
def test_the_class_of_an_accept_header(header: str | None, expected: AcceptClass) -> None:
    assert accept_class(header) is expected


@given(st.text())
def test_any_header_has_a_class(header: str) -> None:
    assert accept_class(header) in AcceptClass


@pytest.mark.parametrize(
    ("path", "accept", "facts", "expected", "varies"),
    [
        ("-/preview/", AcceptClass.OTHER, PHOTO, OutputFormat.JPEG, True),
        ("-/preview/", AcceptClass.WEBP, PHOTO, OutputFormat.WEBP, True),
        ("-/preview/1600x1200/", AcceptClass.AVIF, PHOTO, OutputFormat.AVIF, True),
        ("-/preview/", AcceptClass.AVIF, PHOTO, OutputFormat.WEBP, True),  # 2048x1536 is over 2 megapixels
        ("-/resize/2000x1000/", AcceptClass.AVIF, PHOTO, OutputFormat.AVIF, True),
        ("-/resize/2000x1001/", AcceptClass.AVIF, PHOTO, OutputFormat.WEBP, True),
        ("-/format/auto/", AcceptClass.OTHER, LOGO, OutputFormat.PNG, True),
        ("-/format/auto/", AcceptClass.OTHER, DRAWING, OutputFormat.PNG, True),
        ("-/format/jpeg/", AcceptClass.AVIF, LOGO, OutputFormat.JPEG, False),
        ("-/format/avif/", AcceptClass.OTHER, PHOTO, OutputFormat.AVIF, False),
        ("-/format/webp/", AcceptClass.OTHER, PHOTO, OutputFormat.WEBP, False),
        ("-/format/png/", AcceptClass.AVIF, PHOTO, OutputFormat.PNG, False),
        ("-/format/preserve/", AcceptClass.AVIF, PHOTO, OutputFormat.JPEG, False),
        ("-/format/preserve/", AcceptClass.AVIF, LOGO, OutputFormat.PNG, False),
        ("-/format/preserve/", AcceptClass.AVIF, HEIC, OutputFormat.JPEG, False),
        ("-/format/preserve/", AcceptClass.AVIF, DRAWING, OutputFormat.PNG, False),
    ],
)
def test_the_format_follows_the_url_then_the_client_then_the_file(
    path: str, accept: AcceptClass, facts: ImageFacts, expected: OutputFormat, varies: bool
) -> None:
    choice = choose(parse(path).operations, accept, facts)
    assert (choice.format, choice.varies, choice.animated) == (expected, varies, False)


@pytest.mark.parametrize(
    ("path", "accept", "facts", "others"),
    [
        ("-/preview/", AcceptClass.OTHER, PHOTO, (OutputFormat.PNG,)),
        ("-/preview/", AcceptClass.OTHER, LOGO, (OutputFormat.JPEG,)),
        ("-/preview/", AcceptClass.WEBP, PHOTO, ()),
        ("-/preview/800x600/", AcceptClass.AVIF, PHOTO, (OutputFormat.WEBP,)),
        ("-/format/preserve/", AcceptClass.AVIF, PHOTO, ()),
        ("-/format/preserve/", AcceptClass.AVIF, HEIC, (OutputFormat.PNG,)),
        ("-/format/jpeg/", AcceptClass.AVIF, PHOTO, ()),
        ("-/format/avif/", AcceptClass.AVIF, PHOTO, ()),
    ],
)
def test_where_the_url_leaves_it_open_pixels_may_choose_what_the_client_shows(
    path: str, accept: AcceptClass, facts: ImageFacts, others: tuple[OutputFormat, ...]
) -> None:
    assert choose(parse(path).operations, accept, facts).others == others


@pytest.mark.parametrize(
    ("path", "accept", "expected", "animated"),
    [
        ("-/preview/", AcceptClass.AVIF, OutputFormat.WEBP, True),
        ("-/preview/", AcceptClass.WEBP, OutputFormat.WEBP, True),
        ("-/preview/", AcceptClass.OTHER, OutputFormat.GIF, True),
        ("-/format/webp/", AcceptClass.OTHER, OutputFormat.WEBP, True),
        ("-/format/jpeg/", AcceptClass.AVIF, OutputFormat.JPEG, False),
        ("-/format/png/", AcceptClass.AVIF, OutputFormat.PNG, False),
        ("-/format/avif/", AcceptClass.AVIF, OutputFormat.AVIF, False),
        ("-/format/preserve/", AcceptClass.AVIF, OutputFormat.PNG, False),
    ],
)
def test_animations_move_where_the_format_can(
    path: str, accept: AcceptClass, expected: OutputFormat, animated: bool
) -> None:
    choice = choose(parse(path).operations, accept, ANIMATION)
    assert (choice.format, choice.animated) == (expected, animated)


def test_animated_avif_and_png_count_as_their_first_frame() -> None:
    for format_ in ("AVIF", "PNG"):
        facts = ImageFacts(format=format_, width=400, height=300, color_mode="RGB", sequence=True, frames=9)
        assert not choose((), AcceptClass.WEBP, facts).animated
