"""The parameters of upload calls (contract 1.2)."""

import pytest

from longshore.http.uploadcare.errors import UploadError
from longshore.http.uploadcare.fields import Fields
from longshore.http.uploadcare.paths import normal


def fields(*pairs: tuple[str, str]) -> Fields:
    made = Fields()
    for name, value in pairs:
        made.add(name, value)
    return made


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("metadata[]", "x")], "File's metadata key can not be empty."),
        (
            [("metadata[a b]", "x")],
            "File's metadata key `a b` contains symbols not allowed by the metadata key format.",
        ),
        (
            [("metadata[ключ]", "x")],
            "File's metadata key `ключ` contains symbols not allowed by the metadata key format.",
        ),
        ([("metadata[٣]", "x")], "File's metadata key `٣` contains symbols not allowed by the metadata key format."),
        (
            [(f"metadata[{'k' * 65}]", "x")],
            f"Length of file metadata key `{'k' * 65}` can not be more than 64 symbols.",
        ),
        ([("metadata[k]", "")], "Value of the file metadata key `k` can not be empty."),
        (
            [("metadata[k]", "v" * 513)],
            "Value of file metadata's key `k` can not be more than 512 symbols in length.",
        ),
        ([("metadata[k]", "1"), ("metadata[k]", "2")], "File's metadata key `k` has a duplicate."),
        ([(f"metadata[k{n}]", "v") for n in range(51)], "A file can not have more than 50 metadata keys."),
    ],
)
def test_bad_metadata_is_refused_to_the_letter(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(UploadError) as caught:
        fields(*pairs).metadata()

    assert (caught.value.status, caught.value.message) == (400, message)


def test_metadata_up_to_the_limits_is_taken() -> None:
    pairs = [(f"metadata[{'k' * 62}{n:02}]", "v" * 512) for n in range(50)]

    assert len(fields(*pairs, ("other", "x"), ("metadata", "y")).metadata()) == 50


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", ()),
        (" , ,", ()),
        ("Cat, dog ,cat", ("cat", "dog")),
        ("b.2,a-1,c_3,B.2", ("b.2", "a-1", "c_3")),
        ("t" * 100, ("t" * 100,)),
    ],
)
def test_tags_are_put_in_order(text: str, tags: tuple[str, ...]) -> None:
    assert fields(("tags", text)).tags() == tags


@pytest.mark.parametrize("text", ["t" * 101, "a b", "кот", "a/b", ",".join(f"t{n}" for n in range(51))])
def test_bad_tags_are_refused(text: str) -> None:
    with pytest.raises(UploadError) as caught:
        fields(("tags", text)).tags()

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "store"),
    [("0", False), ("1", True), ("auto", None), ("", None), ("true", True), ("False", False), ("٠", None), ("2", None)],
)
def test_store_is_yes_no_or_the_projects_way(text: str, store: bool | None) -> None:
    assert fields(("UPLOADCARE_STORE", text)).flag("UPLOADCARE_STORE") is store


def test_the_last_value_of_a_field_counts() -> None:
    made = Fields()
    made.add_encoded(b"UPLOADCARE_PUB_KEY=query&tags=")
    made.add("UPLOADCARE_PUB_KEY", "body")

    assert made.get("UPLOADCARE_PUB_KEY") == "body"


@pytest.mark.parametrize("pair", [("a\0", "x"), ("a", "x\0")])
def test_null_characters_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(UploadError, match=r"^Null characters are not allowed\.$"):
        fields(pair)


def test_more_fields_than_a_thousand_are_refused() -> None:
    message = r"^The request contains too many HTTP POST fields\.$"
    with pytest.raises(UploadError, match=message):
        fields(*[("a", "b")] * 1001)
    with pytest.raises(UploadError, match=message):
        Fields().add_encoded(b"&".join([b"a=b"] * 1001))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/info/", "/info/"),
        (b"/info", "/info/"),
        (b"/group//", "/group/"),
        (b"//base//?x=//", "/base/"),
        (b"/files/a%2Fb/", "/files/a%2Fb/"),
        (b"/files/\xff/", "/files/ÿ/"),
    ],
)
def test_paths_are_compared_without_doubled_slashes(raw: bytes, path: str) -> None:
    assert normal(raw) == path
