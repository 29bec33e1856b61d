"""What a file claims to be and what it is: both are recorded, the content decides, and nothing runs in our origin."""

import pytest

from tests import corpus
from tests.acceptance.bad_input.upload_api import posted, rest_refusal, upload_refusal
from tests.acceptance.driver import Native, refused
from tests.acceptance.sweeper import sweep

JPEG_ONLY, IMAGES = {"accept": ["image/jpeg"]}, {"accept": ["image/*"]}
PNG = corpus.png(40, 30, 1)
EXTERNAL = corpus.SVG.replace(b"<rect", b'<image href="http://127.0.0.1:9/x.png" width="1" height="1"/><rect')
ENTITIES = b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + corpus.SVG
HANDLER = corpus.SVG.replace(b"<rect", b'<rect onload="alert(1)"')
LINK = corpus.SVG.replace(b"<rect", b'<a href="javascript:alert(1)"><text>x</text></a><rect')
EMBEDDED = corpus.SVG.replace(b"<rect", b"<foreignObject><iframe src='http://127.0.0.1:9/'/></foreignObject><rect")
BAD_SVGS = [
    pytest.param(corpus.SVG_WITH_SCRIPT, id="script"),
    pytest.param(HANDLER, id="event handler"),
    pytest.param(LINK, id="javascript link"),
    pytest.param(EXTERNAL, id="external picture"),
    pytest.param(ENTITIES, id="entities"),
    pytest.param(EMBEDDED, id="foreign object"),
    pytest.param(b"\xff\xfe" + corpus.SVG_WITH_SCRIPT.decode().encode("utf-16-le"), id="script in UTF-16"),
]


def kind(native: Native, name: str, **rules: object) -> str:
    answer = native.call("PUT", f"/kinds/{name}", json=rules)
    assert answer.status_code == 200, answer.text
    return name


def assert_rejected(native: Native, file: dict[str, object], code: str) -> None:
    """Told why, delivered to nobody, shown by no API, and its bytes are taken away by the next sweep."""
    assert (file["state"], file["urls"]) == ("rejected", None)
    refusal = file["refusal"]
    assert isinstance(refusal, dict)
    assert refusal["code"] == code, refusal
    file_id = str(file["id"])
    assert native.delivered(file_id) == {}
    refused(native.call("POST", f"/files/{file_id}/url", json={}), 410, "file-refused")
    assert rest_refusal(native.wire.rest("GET", f"/files/{file_id}/")) == (404, "Not found.")
    assert rest_refusal(native.wire.rest("PUT", f"/files/{file_id}/storage/")) == (404, "Not found.")
    refused(native.call("PATCH", f"/files/{file_id}", json={"stored": True}), 410, "file-refused")
    assert native.wire.info(file_id).status_code == 400
    steps = {step["name"]: step["state"] for step in native.status(file_id)["steps"]}
    assert (steps["publish"], steps["preview"]) == ("skipped", "skipped")
    assert not any(path.startswith("incoming") for path in native.lying(file_id))


# -- declared and detected (decision 11) -------------------------------------------------------------------------------


def test_a_png_declared_as_jpeg_is_not_for_a_kind_of_jpegs(native: Native) -> None:
    file = native.brought(PNG, name="a.jpg", type="image/jpeg", kind=kind(native, "jpegs", **JPEG_ONLY))

    assert_rejected(native, file, "type-not-accepted")
    sentence = "The file is image/png, which the kind jpegs does not accept"
    assert file["refusal"]["detail"] == sentence
    assert {"name": "inspect", "state": "failed", "reason": sentence}.items() <= native.status(file["id"])["steps"][
        2
    ].items()


def test_a_png_declared_as_jpeg_is_not_for_a_kind_of_pictures_either(native: Native) -> None:
    file = native.brought(PNG, name="a.jpg", type="image/jpeg", kind=kind(native, "images", **IMAGES))

    assert_rejected(native, file, "type-mismatch")
    assert file["refusal"]["detail"] == "The file was declared image/jpeg but is image/png"


def test_without_a_kind_a_png_declared_as_jpeg_is_a_png(native: Native) -> None:
    file = native.brought(PNG, name="a.jpg", type="image/jpeg")

    assert (file["state"], file["declared_type"], file["detected_type"]) == ("ready", "image/jpeg", "image/png")
    answer = native.deliver(file["id"])
    assert (answer.headers["content-type"], answer.content) == ("image/png", PNG)


def test_the_upload_api_accepts_a_lie_about_the_type(native: Native) -> None:
    """As the service does (decision 11)."""
    file_id = posted(native, ("file", "a.jpg", "image/jpeg", PNG)).json()["file"]

    info = native.wire.info(file_id).json()
    assert (info["mime_type"], info["content_info"]["mime"]["mime"]) == ("image/jpeg", "image/png")


@pytest.mark.parametrize("declared", ["image/png", "text/html", "application/octet-stream", "IMAGE/PNG"])
def test_a_type_that_a_kind_does_not_take_is_refused_at_once(native: Native, declared: str) -> None:
    answer = native.ask(PNG, type=declared, kind=kind(native, "jpegs", **JPEG_ONLY))

    sentence = f"The kind jpegs accepts image/jpeg, not {declared.lower()}"
    refused(answer, 415, "type-not-accepted", sentence)


@pytest.mark.parametrize(
    "declared",
    [
        "image",
        "image/",
        "/jpeg",
        "image/jpeg\r\nX: y",
        "image/jpeg\0",
        "image jpeg",
        "image/jp eg",
        "é/é",
        "x" * 301,
        "*/*;",
    ],
)
def test_what_is_no_media_type_is_refused(native: Native, declared: str) -> None:
    answer = native.ask(PNG, type=declared)

    assert (answer.status_code, answer.json()["code"]) in [(400, "bad-type"), (400, "body-invalid")]


@pytest.mark.parametrize("declared", ["image", "\0", "x" * 5000, "é"])
def test_the_upload_api_calls_what_is_no_media_type_bytes(native: Native, declared: str) -> None:
    answer = posted(native, ("file", "a.bin", declared, b"some bytes\x00\x01"))

    assert answer.status_code == 200, answer.text
    assert native.wire.info(answer.json()["file"]).json()["mime_type"] == "application/octet-stream"


# -- active content (design 8) -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "page.html", "-/inline/no/", "-/inline/yes/", "-/inline/yes/page.html"])
@pytest.mark.parametrize("declared", ["image/jpeg", "text/html"])
def test_html_never_runs_whatever_it_is_called(native: Native, declared: str, path: str) -> None:
    file = native.brought(corpus.HTML, name="photo.jpg", type=declared)

    answer = native.deliver(file["id"], path)

    assert (file["state"], file["detected_type"]) == ("ready", "text/html")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].endswith("; sandbox")
    assert "script" not in answer.headers["content-security-policy"]
    shown = "inline" if "yes" in path else "attachment"
    assert answer.headers["content-disposition"].partition(";")[0] == shown


def test_html_is_no_picture(native: Native) -> None:
    file = native.brought(corpus.HTML, name="photo.jpg", type="image/jpeg")

    answer = native.deliver(file["id"], "-/preview/64x64/")

    assert answer.status_code == 400
    assert "Not supported for files that are not images." in answer.text


def test_html_is_not_for_a_kind_of_pictures(native: Native) -> None:
    file = native.brought(corpus.HTML, name="photo.jpg", type="image/jpeg", kind=kind(native, "images", **IMAGES))

    assert_rejected(native, file, "type-not-accepted")


def test_a_picture_with_html_behind_it_is_delivered_as_a_picture(native: Native) -> None:
    """A polyglot: with `nosniff` and our own type nobody takes it for a page."""
    file = native.brought(PNG + corpus.HTML, name="a.html", type="text/html")

    answer = native.deliver(file["id"])
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == ("image/png", "nosniff")
    assert corpus.HTML not in native.deliver(file["id"], "-/preview/64x64/").content


@pytest.mark.parametrize("content", BAD_SVGS)
@pytest.mark.parametrize(("name", "declared"), [("a.svg", "image/svg+xml"), ("a.jpg", "image/jpeg")])
def test_an_svg_that_could_do_something_is_rejected(native: Native, content: bytes, name: str, declared: str) -> None:
    file = native.brought(content, name=name, type=declared)

    if file["detected_type"] is None:
        assert_rejected(native, file, file["refusal"]["code"])
        assert file["refusal"]["code"] in ("unsafe-svg", "broken-svg")
    else:
        # Not taken for an SVG by us; nor will it be by anybody else.
        assert file["detected_type"] not in ("image/svg+xml", "text/html")
        answer = native.deliver(file["id"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "svg" not in answer.headers["content-type"]


@pytest.mark.parametrize("content", BAD_SVGS[:6])
def test_the_upload_api_refuses_an_svg_that_could_do_something(native: Native, error_mode: str, content: bytes) -> None:
    before = native.lying("")

    answer = posted(native, ("file", "a.svg", "image/svg+xml", content), error_mode=error_mode)

    status, code, message = upload_refusal(answer, error_mode)
    assert (status, code) in [(400, "SVGMaliciousContentError"), (400, "SVGValidationFailedError")]
    assert message.endswith(".")
    assert [path for path in native.lying("") if path not in before and not path.startswith("files")] == []


def test_a_harmless_svg_is_delivered_in_a_sandbox(native: Native) -> None:
    file = native.brought(corpus.SVG, name="a.svg", type="image/svg+xml")

    answer = native.deliver(file["id"])

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"].endswith("; sandbox")
    assert answer.headers["content-disposition"].startswith("attachment")


# -- broken and huge ---------------------------------------------------------------------------------------------------

PHOTO = corpus.photo_jpeg(320, 240, 1)
TRUNCATED = [
    pytest.param(corpus.truncated(PHOTO), "image/jpeg", id="half a JPEG"),
    pytest.param(PHOTO[:200], "image/jpeg", id="a JPEG's header"),
    pytest.param(PHOTO[:3], "image/jpeg", id="three bytes of a JPEG"),
    pytest.param(corpus.truncated(PNG), "image/png", id="half a PNG"),
    pytest.param(PNG[:33], "image/png", id="a PNG's header"),
    pytest.param(corpus.truncated(corpus.webp(320, 240, 1)), "image/webp", id="half a WebP"),
    pytest.param(corpus.truncated(corpus.tiff(64, 48, 1)), "image/tiff", id="half a TIFF"),
    pytest.param(corpus.truncated(corpus.avif(64, 48, 1)), "image/avif", id="half an AVIF"),
]


@pytest.mark.parametrize(("content", "declared"), TRUNCATED)
def test_a_truncated_picture_is_rejected(native: Native, content: bytes, declared: str) -> None:
    file = native.brought(content, name="a", type=declared)

    assert_rejected(native, file, "broken-media")


def test_an_animation_cut_between_its_frames_is_a_shorter_animation(native: Native) -> None:
    """GIF frames stand alone; browsers show those that are there, and so do we."""
    content = corpus.truncated(corpus.gif_animated(64, 48, 1))

    file = native.brought(content, name="a.gif", type="image/gif")

    assert file["state"] == "ready"
    assert native.deliver(file["id"], "-/preview/64x64/").status_code == 200
    assert native.deliver(file["id"]).content == content


@pytest.mark.parametrize(
    ("size", "code", "sentence"),
    [
        ((60_000, 60_000), "media-too-large", "The image is 60000x60000; up to 100 megapixels are processed"),
        ((2**31 - 1, 2**31 - 1), "media-too-large", None),
        ((2**31 - 1, 1), "media-too-large", "The image is 2147483647x1; a side may be 65500 pixels"),
        ((1, 2**31 - 1), "media-too-large", "The image is 1x2147483647; a side may be 65500 pixels"),
        ((2**32 - 1, 2**32 - 1), "media-too-large", None),
        ((0, 0), "broken-media", None),
    ],
)
def test_a_header_that_claims_too_much_is_rejected(
    native: Native, size: tuple[int, int], code: str, sentence: str | None
) -> None:
    file = native.brought(corpus.png_claiming(*size), name="bomb.png", type="image/png")

    assert_rejected(native, file, code)
    assert sentence in (None, file["refusal"]["detail"])


def test_the_upload_api_refuses_a_bomb(native: Native, error_mode: str) -> None:
    answer = posted(native, ("file", "bomb.png", "image/png", corpus.png_claiming()), error_mode=error_mode)

    status, code, message = upload_refusal(answer, error_mode)
    assert (status, code) == (400, "UploadViewsError")
    assert message.startswith("Upload request processing failed. ")
    assert "pixels" in message


def test_one_refused_file_takes_the_others_of_its_form_with_it(native: Native, error_mode: str) -> None:
    good = ("good", "good.png", "image/png", PNG)
    answer = posted(native, good, ("bad", "bomb.png", "image/png", corpus.png_claiming()), error_mode=error_mode)

    assert upload_refusal(answer, error_mode)[:2] == (400, "UploadViewsError")
    newest = native.wire.rest("GET", "/files/?ordering=-datetime_uploaded&limit=1&removed=true").json()["results"][0]
    assert newest["original_filename"] == "good.png"
    assert newest["datetime_removed"] is not None
    assert native.delivered(newest["uuid"]) == {}


def test_rejected_bytes_go_with_the_next_sweep(native: Native) -> None:
    file = native.brought(corpus.png_claiming(), name="bomb.png", type="image/png")

    sweep(native.server)

    assert native.lying(file["id"]) == []
    assert native.file(file["id"])["state"] == "rejected", "the reason stays readable"


def test_a_bomb_takes_no_other_picture_down(native: Native) -> None:
    bombs = [native.confirmed(corpus.png_claiming(), name="bomb.png", type="image/png") for _ in range(8)]

    assert native.brought(PNG, name="a.png", type="image/png")["state"] == "ready"
    assert {native.settle(bomb)["state"] for bomb in bombs} == {"rejected"}
