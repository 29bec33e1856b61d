"""Random operations and chains for property tests."""

from hypothesis import strategies as st

from longshore.core.imaging.operations import (
    Adjustment,
    Autorotate,
    Blur,
    BlurRegion,
    BorderRadius,
    Box,
    Brightness,
    Colour,
    Contrast,
    Crop,
    Enhance,
    Exposure,
    Flip,
    Format,
    FormatName,
    Gamma,
    Grayscale,
    Inline,
    Invert,
    Json,
    Jsonp,
    Length,
    MainColors,
    MaxIccSize,
    Metadata,
    Mirror,
    Operation,
    Overlay,
    Position,
    Preview,
    Profile,
    Progressive,
    Quality,
    QualityLevel,
    Rasterize,
    Rect,
    Resize,
    Rotate,
    Saturation,
    ScaleCrop,
    SetFill,
    Sharp,
    Srgb,
    Stretch,
    StretchMode,
    StripMeta,
    Trim,
    Vibrance,
    Warmth,
)

LEVEL = st.integers(0, 255)
COLOUR = st.builds(Colour, LEVEL, LEVEL, LEVEL, st.just(255) | LEVEL)
ADJUSTMENTS: list[type[Adjustment]] = [
    Brightness, Exposure, Gamma, Contrast, Saturation, Vibrance, Warmth, Enhance, Sharp
]  # fmt: skip


def lengths(most: int) -> st.SearchStrategy[Length]:
    return st.builds(Length, st.integers(1, most), st.just(False)) | st.builds(
        Length, st.integers(1, 250), st.just(True)
    )


def places(most: int) -> st.SearchStrategy[Length]:
    percent = st.builds(Length, st.integers(-200, 300).filter(bool), st.just(True))
    return st.builds(Length, st.integers(-most, most), st.just(False)) | percent


def boxes(most: int) -> st.SearchStrategy[Box]:
    return st.builds(Box, lengths(most), lengths(most))


def positions(most: int) -> st.SearchStrategy[Position]:
    return st.builds(Position, places(most), places(most))


def geometry(most: int) -> st.SearchStrategy[Operation]:
    """Operations that change sizes or directions; numbers up to `most` pixels."""
    side = st.integers(1, most)
    return st.one_of(
        st.builds(Preview, width=side, height=side),
        st.builds(Resize, width=side, height=side | st.none()),
        st.builds(Resize, width=st.none(), height=side),
        st.builds(Stretch, mode=st.sampled_from(StretchMode)),
        st.builds(Crop, box=boxes(most), position=positions(most)),
        st.builds(Crop, ratio=st.tuples(st.integers(1, 40), st.integers(1, 40)), position=positions(most)),
        st.builds(ScaleCrop, width=side, height=side, position=positions(most)),
        st.builds(Rotate, angle=st.sampled_from([0, 90, 180, 270])),
        st.just(Flip()),
        st.just(Mirror()),
    )


def points() -> st.SearchStrategy[Operation]:
    """Operations on the colour of each pixel."""
    return st.one_of(
        *(st.builds(kind, amount=st.integers(kind.low, kind.high)) for kind in ADJUSTMENTS[:7]),
        st.just(Grayscale()),
        st.just(Invert()),
    )


def acting(most: int) -> st.SearchStrategy[Operation]:
    radii = st.tuples(*[lengths(most)] * 4)
    strength = st.integers(0, 5000)
    return st.one_of(
        geometry(most),
        points(),
        st.builds(Enhance, amount=st.integers(0, 100)),
        st.builds(Sharp, amount=st.integers(0, 20)),
        st.builds(SetFill, colour=COLOUR),
        st.builds(Trim, tolerance=LEVEL, padding=st.integers(0, 50)),
        st.builds(BorderRadius, across=radii, down=radii),
        st.builds(Blur, strength=strength, amount=st.integers(-200, 100)),
        st.builds(BlurRegion, box=boxes(most), position=positions(most), strength=strength),
        st.builds(
            Overlay,
            source=st.just("self") | st.uuids().map(str),
            box=boxes(most),
            position=positions(most),
            opacity=st.integers(0, 100),
        ),
        st.builds(Rect, colour=COLOUR, box=boxes(most), position=positions(most)),
    )


DESCRIBING: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Autorotate, enabled=st.booleans()),
    st.builds(Format, value=st.sampled_from(FormatName)),
    st.builds(Quality, level=st.sampled_from(QualityLevel)),
    st.builds(Progressive, enabled=st.booleans()),
    st.builds(StripMeta, what=st.sampled_from(Metadata)),
    st.builds(Srgb, profile=st.sampled_from(Profile)),
    st.builds(MaxIccSize, kilobytes=st.integers(0, 999_999)),
    st.just(Rasterize()),
    st.builds(Inline, enabled=st.booleans()),
)
DOCUMENTS: st.SearchStrategy[Operation] = st.one_of(
    st.just(Json()), st.just(Jsonp()), st.builds(MainColors, count=st.integers(1, 256))
)
OPERATIONS = acting(999_999) | DESCRIBING
CHAINS: st.SearchStrategy[tuple[Operation, ...]] = st.builds(
    lambda chain, document: (*chain, *document), st.lists(OPERATIONS, max_size=12), st.lists(DOCUMENTS, max_size=1)
)
