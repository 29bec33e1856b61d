"""Originals and pictures by URL: ranges, conditional requests, names, formats, and what must never run."""

import io

import pytest
from PIL import Image

from tests import corpus
from tests.acceptance.driver import Json, Native

TEXT = bytes(range(256)) * 4000
AVIF, WEBP, OLD = "image/avif,image/webp,*/*", "image/webp,*/*", "*/*"


@pytest.fixture(scope="module")
def text(_native: Native) -> Json:
    return _native.brought(TEXT, name="отчёт 2026.bin")


@pytest.fixture(scope="module")
def photo(_native: Native) -> Json:
    return _native.brought(corpus.photo_jpeg(640, 480, 1), name="cat.jpg", type="image/jpeg")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=1023990-", 1_023_990, 1_023_999), ("bytes=-10", 1_023_990, 1_023_999)],
)
def test_a_range_is_answered(native: Native, text: Json, asked: str, first: int, last: int) -> None:
    answer = native.deliver(text["id"], headers={"Range": asked})

    assert (answer.status_code, answer.headers["content-range"]) == (206, f"bytes {first}-{last}/{len(TEXT)}")
    assert answer.content == TEXT[first : last + 1]


def test_a_range_past_the_end_cannot_be_satisfied(native: Native, text: Json) -> None:
    answer = native.deliver(text["id"], headers={"Range": f"bytes={len(TEXT)}-"})

    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(TEXT)}")


def test_a_range_of_another_version_is_the_whole(native: Native, text: Json) -> None:
    etag = native.deliver(text["id"]).headers["etag"]

    for if_range, status in ((etag, 206), ('"other"', 200)):
        answer = native.deliver(text["id"], headers={"Range": "bytes=0-9", "If-Range": if_range})
        assert answer.status_code == status


@pytest.mark.parametrize("path", ["", "-/preview/64x64/"])
def test_what_is_known_already_is_not_sent_again(native: Native, photo: Json, path: str) -> None:
    first = native.deliver(photo["id"], path)
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"

    again = native.deliver(photo["id"], path, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    other = native.deliver(photo["id"], path, headers={"If-None-Match": '"x"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert other.status_code == 200


def test_what_was_not_modified_is_not_sent_again(native: Native, text: Json) -> None:
    modified = native.deliver(text["id"]).headers["last-modified"]

    assert native.deliver(text["id"], headers={"If-Modified-Since": modified}).status_code == 304
    old = {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert native.deliver(text["id"], headers=old).status_code == 200


@pytest.mark.parametrize("path", ["", "-/preview/64x64/"])
def test_head_answers_as_get_without_the_body(native: Native, photo: Json, path: str) -> None:
    got = native.deliver(photo["id"], path)
    head = native.http.head(f"/{photo['id']}/{path}")

    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control", "content-disposition"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    ("path", "disposition"),
    [
        ("", "inline; filename=cat.jpg"),
        ("-/inline/no/", "attachment; filename=cat.jpg"),
        ("kitten.jpg", "inline; filename=kitten.jpg"),
        ("-/inline/no/kitten.jpg", "attachment; filename=kitten.jpg"),
        ("-/preview/64x64/", "inline; filename=cat.jpg"),
        ("-/preview/64x64/kitten.jpg", "inline; filename=kitten.jpg"),
    ],
)
def test_names_and_inline_are_chosen_by_the_url(native: Native, photo: Json, path: str, disposition: str) -> None:
    assert native.deliver(photo["id"], path).headers["content-disposition"] == disposition


@pytest.mark.parametrize(
    ("name", "declared", "content", "detected"),
    [
        ("a.html", "text/html", corpus.HTML, "text/html"),
        ("a.svg", "image/svg+xml", corpus.SVG, "image/svg+xml"),
        ("a.pdf", "application/pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "application/pdf"),
        ("a.xml", "text/xml", b'<?xml version="1.0"?><a/>', "application/xml"),
        ("a.bin", "image/jpeg", b"\x00\x01\x02\x03", "application/octet-stream"),
    ],
)
def test_what_could_run_is_an_attachment_in_a_sandbox(
    native: Native, name: str, declared: str, content: bytes, detected: str
) -> None:
    file = native.brought(content, name=name, type=declared)

    answer = native.deliver(file["id"])

    assert answer.headers["content-type"] == detected
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"].endswith("; sandbox")


@pytest.mark.parametrize(("accept", "media_type"), [(AVIF, "image/avif"), (WEBP, "image/webp"), (OLD, "image/jpeg")])
def test_the_format_follows_accept(native: Native, photo: Json, accept: str, media_type: str) -> None:
    answer = native.deliver(photo["id"], "-/preview/64x64/-/format/auto/", headers={"Accept": accept})

    assert (answer.headers["content-type"], answer.headers["vary"]) == (media_type, "Accept")
    assert Image.open(io.BytesIO(answer.content)).size == (64, 48)


@pytest.mark.parametrize(
    ("operations", "media_type", "size"),
    [
        ("-/resize/100x/-/format/jpeg/", "image/jpeg", (100, 75)),
        ("-/resize/x60/-/format/png/", "image/png", (80, 60)),
        ("-/resize/50x50/-/format/webp/-/quality/lightest/", "image/webp", (50, 50)),
        ("-/preview/200x200/-/format/avif/", "image/avif", (200, 150)),
    ],
)
def test_pictures_are_made_by_url(
    native: Native, photo: Json, operations: str, media_type: str, size: tuple[int, int]
) -> None:
    answer = native.deliver(photo["id"], operations)

    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert Image.open(io.BytesIO(answer.content)).size == size


def test_an_unknown_operation_is_a_page_that_says_so(native: Native, photo: Json) -> None:
    answer = native.deliver(photo["id"], "-/explode/<b>/")

    assert answer.status_code == 400
    assert "There is no operation &quot;explode&quot;" in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_delivery_only_reads(native: Native, photo: Json, method: str) -> None:
    answer = native.http.request(method, f"/{photo['id']}/")

    assert (answer.status_code, answer.headers["allow"]) == (405, "HEAD, GET, OPTIONS")
