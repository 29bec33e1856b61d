"""The URL language: from a path to typed operations and back."""

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.core.imaging.grammar import MAX_OPERATIONS, ROWS, BadOperation, canonical, parse
from longshore.core.imaging.operations import (
    Autorotate,
    Format,
    FormatName,
    Inline,
    Metadata,
    Operation,
    Preview,
    Progressive,
    Quality,
    QualityLevel,
    Resize,
    StripMeta,
    normalise,
)

BEST, RETINA = Quality(level=QualityLevel.BEST), Quality(level=QualityLevel.SMART_RETINA)
SIDES = st.integers(1, 999_999)
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Preview, width=SIDES, height=SIDES),
    st.builds(Resize, width=SIDES, height=SIDES | st.none()),
    st.builds(Resize, width=st.none(), height=SIDES),
    st.builds(Autorotate, enabled=st.booleans()),
    st.builds(Format, value=st.sampled_from(FormatName)),
    st.builds(Quality, level=st.sampled_from(QualityLevel)),
    st.builds(Progressive, enabled=st.booleans()),
    st.builds(StripMeta, what=st.sampled_from(Metadata)),
    st.builds(Inline, enabled=st.booleans()),
)
CHAINS = st.lists(OPERATIONS, max_size=12).map(tuple)


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
