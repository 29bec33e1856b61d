"""The URL language: from a path to typed operations and back."""

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.core.imaging.grammar import MAX_OPERATIONS, ROWS, BadOperation, OperationUnavailable, canonical, parse
from longshore.core.imaging.operations import (
    Autorotate,
    Blur,
    BlurRegion,
    BorderRadius,
    Box,
    Colour,
    Contrast,
    Crop,
    Enhance,
    Flip,
    Format,
    FormatName,
    Gamma,
    Inline,
    Json,
    Length,
    MainColors,
    MaxIccSize,
    Metadata,
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
    Warmth,
    normalise,
)
from longshore.core.imaging.transformation import Transformation
from tests.unit.imaging.chains import CHAINS

BEST, RETINA = Quality(level=QualityLevel.BEST), Quality(level=QualityLevel.SMART_RETINA)
UUID = "1bd27101-6f40-460a-9358-d44c282e9d16"


@pytest.mark.parametrize(
    ("text", "operations", "filename"),
    [
        ("", (), None),
        ("/", (), None),
        ("photo.jpg", (), "photo.jpg"),
        ("-/", (), None),
        ("-/preview/", (Preview(),), None),
        ("-/preview", (Preview(),), None),
        ("-/preview/800x600/", (Preview(width=800, height=600),), None),
        ("-/preview/150x150/-/resize/photo.jpeg", None, None),
        ("-/preview/800x600/-/format/auto/photo.jpg", (Preview(width=800, height=600), Format()), "photo.jpg"),
        ("-/preview/my%20photo%2F1.jpg", (Preview(),), "my photo/1.jpg"),
        ("-//preview///10x20//", (Preview(width=10, height=20),), None),
        ("-/-/preview/", (Preview(),), None),
        ("-/@clib/uc-blocks/0.1.0/uc-img/-/preview/", (Preview(),), None),
        ("-/@clib/cloud/1.0.0/edit/", (), None),
        ("-/%70review/", (Preview(),), None),
        ("-/effect/preview/9x9/", (Preview(width=9, height=9),), None),
        ("-/resize/440x/", (Resize(width=440),), None),
        ("-/resize/x440/", (Resize(height=440),), None),
        ("-/resize/500x/-/resize/20x30/", (Resize(width=500), Resize(width=20, height=30)), None),
        ("-/preview/1x1/-/preview/2x2/", (Preview(width=2, height=2),), None),
        ("-/format/jpg/", (Format(value=FormatName.JPEG),), None),
        ("-/format/avif/-/quality/smart_retina/", (Format(value=FormatName.AVIF), RETINA), None),
        ("-/quality/best/-/progressive/yes/-/preview/", (Preview(), Progressive(), BEST), None),
        ("-/strip_meta/sensitive/", (StripMeta(what=Metadata.SENSITIVE),), None),
        ("-/autorotate/no/-/inline/no/", (Autorotate(enabled=False), Inline(enabled=False)), None),
    ],
)  # fmt: skip
def test_a_path_becomes_operations_and_a_filename(
    text: str, operations: tuple[Operation, ...] | None, filename: str | None
) -> None:
    if operations is None:
        with pytest.raises(BadOperation):
            parse(text)
        return
    directive = parse(text)
    assert (directive.operations, directive.filename) == (operations, filename)


@pytest.mark.parametrize(
    ("text", "naming"),
    [
        ("-/sharpen/", '"sharpen"'),
        ("resize/500x/", '"resize"'),
        ("-/preview/800/", "preview/800"),
        ("-/preview/800x/", "WxH"),
        ("-/preview/0x10/", "at least 1"),
        ("-/preview/1x1/1x1/", "preview"),
        ("-/preview/-1x10/", "preview"),
        ("-/preview/1234567x1/", "preview"),
        ("-/preview/٣x٣/", "preview"),
        ("-/preview/1e3x1/", "preview"),
        ("-/preview/10x10%00/", "preview"),
        ("-/preview/800X600/", "preview"),
        ("-/resize/", "Wx or xH"),
        ("-/resize/x/", "Wx or xH"),
        ("-/resize/10%25x/", "resize"),
        ("-/format/", "jpeg, png, webp, avif"),
        ("-/format/gif/", "format/gif"),
        ("-/format/jpeg/png/", "format/jpeg/png"),
        ("-/format/%0d%0aX:1/", "format/??X:1"),
        ("-/quality/80/", "lightest"),
        ("-/progressive/maybe/", "yes or no"),
        ("-/progressive/", "yes or no"),
        ("-/strip_meta/some/", "sensitive"),
        ("-/effect/", '"effect"'),
        ("-/" + "a" * 500 + "/", "…"),
    ],
)
def test_a_path_that_means_nothing_says_which_operation_broke_which_rule(text: str, naming: str) -> None:
    with pytest.raises(BadOperation) as refused:
        parse(text)
    assert naming in refused.value.detail
    assert refused.value.code == "bad-operation"
    assert len(refused.value.detail) < 250


def test_a_path_of_absurd_length_is_refused() -> None:
    with pytest.raises(BadOperation, match="longer than"):
        parse("-/preview/" * 1000)
    with pytest.raises(BadOperation, match="at most"):
        parse("-/resize/9x/" * (MAX_OPERATIONS + 1))
    assert len(parse("-/resize/9x/" * MAX_OPERATIONS).operations) == MAX_OPERATIONS


@given(CHAINS)
def test_the_canonical_form_reads_back_as_the_same_operations(operations: tuple[Operation, ...]) -> None:
    written = canonical(operations)
    assert parse(written).operations == normalise(operations)
    assert canonical(parse(written).operations) == written


@given(CHAINS, st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20))
def test_any_filename_survives_behind_any_operations(operations: tuple[Operation, ...], name: str) -> None:
    directive = parse(canonical(operations) + quote(name, safe=""))
    if name == "-":
        return  # the one segment that begins an operation
    assert directive.filename == name
    assert directive.operations == normalise(operations)


@given(st.text(max_size=60) | st.text(st.sampled_from("-/@%px0123456789previewsz"), max_size=60))
def test_any_text_is_a_directive_or_a_bad_operation(text: str) -> None:
    with contextlib.suppress(BadOperation):
        parse(text)


@given(CHAINS)
def test_normalising_twice_changes_nothing(operations: tuple[Operation, ...]) -> None:
    assert normalise(normalise(operations)) == normalise(operations)


def test_an_inline_answer_is_still_the_original() -> None:
    directive = parse("-/inline/no/a.pdf")
    assert directive.is_original
    assert directive.inline is False
    assert parse("a.pdf").inline is None
    assert not parse("-/format/auto/").is_original


def test_every_operation_of_the_table_is_covered_by_the_properties() -> None:
    assert {cls.name for cls in Operation.__args__} == set(ROWS)


# --------------------------------------------------------------------------------------- what clients' own tests expect


def px(value: int) -> Length:
    return Length(value)


def pc(value: int) -> Length:
    return Length(value, True)


def four(one: Length) -> tuple[Length, Length, Length, Length]:
    return one, one, one, one


MIDDLE = Position(pc(50), pc(50))


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        ("crop/2000x1325/center/", (Crop(box=Box(px(2000), px(1325)), position=MIDDLE),)),
        ("crop/640x424/2560,830/", (Crop(box=Box(px(640), px(424)), position=Position(px(2560), px(830))),)),
        ("scale_crop/1024x1024/center/", (ScaleCrop(width=1024, height=1024, position=MIDDLE),)),
        ("setfill/ece3d2/-/format/jpeg/",
         (SetFill(colour=Colour(0xEC, 0xE3, 0xD2)), Format(value=FormatName.JPEG))),
        ("rasterize/-/blur/20/", (Blur(strength=20), Rasterize())),
        ("strip_meta/all/", (StripMeta(),)),
        ("preview/-/saturation/-80/-/contrast/80/-/warmth/50/",
         (Preview(), Saturation(amount=-80), Contrast(amount=80), Warmth(amount=50))),
        ("max_icc_size/0/-/srgb/fast/-/preview/", (Preview(), MaxIccSize(kilobytes=0), Srgb(profile=Profile.FAST))),
        ("preview/440x400/-/blur_region/30px80p/50p,10p/20/",
         (Preview(width=440, height=400),
          BlurRegion(box=Box(pc(30), pc(80)), position=Position(pc(50), pc(10)), strength=20))),
        ("scale_crop/880x600/-/blur/200/-120/", (ScaleCrop(width=880, height=600), Blur(strength=200, amount=-120))),
        (f"overlay/{UUID}/50px50p/center/-/preview/",
         (Overlay(source=UUID, box=Box(pc(50), pc(50)), position=MIDDLE), Preview())),
        (f"overlay/{UUID}/35px35p/10p,10p/40p/",
         (Overlay(source=UUID, box=Box(pc(35), pc(35)), position=Position(pc(10), pc(10)), opacity=40),)),
        (f"overlay/{UUID}/50px50p/20p/", (Overlay(source=UUID, box=Box(pc(50), pc(50)), opacity=20),)),
        (f"overlay/{UUID.upper()}/center/", (Overlay(source=UUID, position=MIDDLE),)),
        ("scale_crop/440x440/center/-/blur/60/-/gamma/50/-/overlay/self/100px100p/center/",
         (ScaleCrop(width=440, height=440, position=MIDDLE), Blur(strength=60), Gamma(amount=50),
          Overlay(source="self", position=MIDDLE))),
        ("preview/440x440/-/rect/ff000080/50px33p/50p,50p/-/rect/00ff0080/33px50p/center/",
         (Preview(width=440, height=440),
          Rect(colour=Colour(255, 0, 0, 128), box=Box(pc(50), pc(33)), position=MIDDLE),
          Rect(colour=Colour(0, 255, 0, 128), box=Box(pc(33), pc(50)), position=MIDDLE))),
        ("crop/1:1/50p,30p/-/border_radius/50p/",
         (Crop(ratio=(1, 1), position=Position(pc(50), pc(30))),
          BorderRadius(across=four(pc(50)), down=four(pc(50))))),
        ("stretch/off/-/scale_crop/96x96/center/",
         (Stretch(mode=StretchMode.OFF), ScaleCrop(width=96, height=96, position=MIDDLE))),
        ("enhance/-/sharp/-/rotate/-90/-/flip/",
         (Enhance(amount=50), Sharp(amount=5), Rotate(angle=270), Flip())),
        ("trim/-/json/", (Trim(), Json())),
        ("preview/-/main_colors/", (Preview(), MainColors())),
        ("crop/50%25x50%25/-10,100%25/", (Crop(box=Box(pc(50), pc(50)), position=Position(px(-10), pc(100))),)),
        ("crop/50%x20%/", (Crop(box=Box(pc(50), pc(20))),)),
        ("setfill/F0a/", (SetFill(colour=Colour(255, 0, 170)),)),
        ("effect/blur/20/-/effect/flip/", (Blur(strength=20), Flip())),
        ("crop/10x10/0p,0p/", (Crop(box=Box(px(10), px(10))),)),
        ("border_radius/1,2p/3/",
         (BorderRadius(across=(px(1), pc(2), px(1), pc(2)), down=four(px(3))),)),
    ],
)  # fmt: skip
def test_the_language_of_the_contract(text: str, operations: tuple[Operation, ...]) -> None:
    assert parse(f"-/{text}").operations == operations


@pytest.mark.parametrize(
    "text",
    [
        "-/smart_resize/440x600/-/quality/smart/",
        "-/zoom_objects/50/",
        "gif2video/-/format/webm/-/quality/lighter/",
        "-/gif2video/-/format/webm/",
        "detect_faces//",
        "-/detect_faces/",
        "adaptive_video/",
        "-/preview/440x440/-/blur_region/faces/250/",
        "-/preview/440x440/-/text_align/right/bottom/-/font/20/fff/-/text_box/fill/fcba0355/-/text/80px80p/center/U~sa/",
        "-/crop/face/200px200p/-/crop/1:1/50p,30p/",
        "-/crop/image/16:9/center/",
        "-/scale_crop/300x300/smart/center/",
        "-/scale_crop/300x300/smart_faces_objects_points/",
        "-/filter/vevera/150/",
    ],
)
def test_operations_of_a_later_version_say_so(text: str) -> None:
    with pytest.raises(OperationUnavailable, match="is not available here yet") as refused:
        parse(text)
    assert refused.value.code == "operation-unavailable"


def test_colours_may_be_asked_for_right_behind_the_uuid() -> None:
    assert parse("main_colors/").operations == (MainColors(),)
    assert parse("main_colors/9//").operations == (MainColors(count=9),)
    assert parse("main_colors").filename == "main_colors"


@pytest.mark.parametrize("text", ["-/json/-/preview/", "-/json/-/main_colors/", "-/main_colors/3/-/inline/no/"])
def test_a_document_is_the_last_operation(text: str) -> None:
    with pytest.raises(BadOperation, match="must be the last"):
        parse(text)


BAD: dict[str, list[str]] = {
    "preview": ["800", "0x1", "1x1/1x1", "x5", "5x", "1e3x1", "-1x1", "1x-1", "٣x٣", "1x1%0a", "1 x1", "1x1;2"],
    "resize": ["", "x", "0x", "x0", "1x1/2", "9999999x1", "-5x", "10px", "1.5x", "½x", "1x1%00"],
    "stretch": ["", "maybe", "on/off", "ON"],
    "crop": ["", "5", "5x", "x5", "0x5", "5x0p", "1:0", "0:1", "1:2:3", "-1:1", "5x5/middle", "5x5/1", "5x5/1,2,3",
             "5x5/center/center", "5x5/top,left", "5pp5p", "5x5/1e1,1", "face1", "٥x٥", "5x5/--1,1", "1:1/x"],
    "scale_crop": ["", "5x", "5px5p", "5x5/smartest", "5x5/smart_dogs", "5x5/center/center", "0x0"],
    "trim": ["-1", "256", "1/-1", "1/2/3", "a", "1/9999"],
    "border_radius": ["", "-1", "1,2,3,4,5", "a", "1/2/3", "1,,2", "1.5", "1/a"],
    "setfill": ["", "ff", "ffff", "fffff", "ggg", "#fff", "red", "fff/fff", "٣٣٣", "fffffffff", "rgb(0,0,0)"],
    "autorotate": ["", "1", "yes/no", "YES"],
    "rotate": ["", "45", "90.0", "9999990", "left", "90/90", "1e2"],
    "flip": ["1", "yes"],
    "mirror": ["1"],
    "grayscale": ["50"],
    "invert": ["-1"],
    "blur": ["-1", "5001", "10/101", "10/-201", "a", "1/2/3", "1.5"],
    "blur_region": ["", "10x10", "10/1,1", "10x10/1,1/5001", "10x10/1,1/-1", "10x10/1,1/1/1", "0x1/1,1"],
    "overlay": ["", "me", "1bd27101", f"{UUID}x", f"{UUID}/5", f"{UUID}/center/5x5", f"{UUID}/50p/50p", f"{UUID}/101p",
                f"{UUID}/5x5/5x5", f"{UUID}/5x5/center/50p/1", "self/-5x5", "..%2f..%2fetc", f"{UUID}/50"],
    "rect": ["", "fff", "fff/5x5", "fff/5x5/1,1/1", "xyz/5x5/1,1", "fff/5/1,1", "fff/5x5/here"],
    "srgb": ["", "slow", "icc/icc"],
    "max_icc_size": ["", "-1", "10kb", "9999999", "1/1"],
    "rasterize": ["yes"],
    "json": ["1"],
    "jsonp": ["callback"],
    "main_colors": ["0", "257", "-1", "a", "1/2"],
    "filter": ["", "sepia", "vevera/201", "vevera/-101", "vevera/1/2", "vevera/x"],
    "smart_resize": ["", "x", "5x", "5x5/5"],
    "zoom_objects": ["", "0", "101", "5/5"],
    **{
        name: ["", str(low - 1), str(high + 1), "1.5", "a", "1/2", "٣", "1e1", "+1", "99999999999999999999", "0x1"]
        for name, low, high in [
            ("brightness", -100, 100), ("exposure", -500, 500), ("gamma", 0, 1000), ("contrast", -100, 500),
            ("saturation", -100, 500), ("vibrance", -100, 500), ("warmth", -100, 100),
        ]
    },
    "enhance": ["-1", "101", "a", "1/2"],
    "sharp": ["-1", "21", "5.0", "1/2"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "parameters"), [(name, one) for name, many in BAD.items() for one in many])
def test_parameters_that_break_a_rule_are_named_with_it(name: str, parameters: str) -> None:
    with pytest.raises(BadOperation) as refused:
        parse(f"-/{name}/{parameters}/")
    assert not isinstance(refused.value, OperationUnavailable)
    assert name in refused.value.detail
    assert refused.value.fields == {"operation": name}
    assert refused.value.detail.isprintable()
    assert len(refused.value.detail) < 300


def test_every_operation_is_tried_with_bad_parameters() -> None:
    assert set(ROWS) - {"format", "quality", "progressive", "strip_meta", "inline"} <= set(BAD)


@given(CHAINS)
def test_reading_what_was_written_in_another_way_gives_the_same_operations(operations: tuple[Operation, ...]) -> None:
    """`%` for `p` (as RFC 3986 writes it), empty segments, markers: nothing changes."""
    written = canonical(operations)
    other = "".join(f"{part}//" for part in written.split("/"))
    assert parse(f"-/@clib/a/1.0/{other}").operations == parse(written).operations
    assert Transformation.of("f", parse(written).operations) == Transformation.of("f", normalise(operations))
