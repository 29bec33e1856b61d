"""What an answer tells beside its pixels, by `strip_meta` (media.md 5, rule 10)."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from tests import corpus
from tests.integration.vips.studio import Studio, far, pixels, saved

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORMATS = ["jpeg", "png", "webp", "avif"]
PHOTO = Image.fromarray(corpus.photo(160, 120, 5))
#: By what they are: words that stand in the source's metadata and are searched for in the answer's bytes.
HARMLESS = {0x8298: "(c) Somebody Kind", 0x013B: "Artist Known", 0x0110: "Model Nine"}
SENSITIVE = {0xA431: "BODY-SERIAL-1", 0xA435: "LENS-SERIAL-2", 0xA430: "Owner Secret", 0xA420: "UNIQUE-ID-3"}
MAKER, REMARK, COMMENT, XMP = (
    b"MAKER-NOTE-SERIAL-4",
    b"ASCII\0\0\0REMARK-5",
    b"COMMENT-6",
    b"<x:xmpmeta>PLACE-7</x:xmpmeta>",
)


def source(format_: str = "JPEG") -> bytes:
    """A photograph on its side (orientation 6) with everything a camera and a person may leave in it."""
    tags = corpus.exif(orientation=6, gps=(48.2, 16.37), camera="SomeCam")
    for tag, words in HARMLESS.items():
        tags[tag] = words
    inner = tags.get_ifd(ExifTags.IFD.Exif)
    inner.update(SENSITIVE)
    inner.update({0x927C: MAKER, 0x9286: REMARK, 0x9003: "2024:05:17 10:11:12"})
    options: dict[str, object] = {"exif": tags}
    if format_ == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_text("Comment", COMMENT.decode())
        words.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = words
    else:
        options |= {"xmp": XMP} | ({"comment": COMMENT} if format_ == "JPEG" else {})
    return saved(PHOTO, format_, **options)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("came_as", ["JPEG", "PNG", "WEBP", "AVIF"])
async def test_by_default_nothing_stays(studio: Studio, came_as: str, format_: str) -> None:
    _, written = await studio.made(source(came_as), f"-/preview/-/format/{format_}/")
    words = (*HARMLESS.values(), *SENSITIVE.values(), "SomeCam", "2024:05:17", MAKER, b"REMARK", COMMENT, b"PLACE")
    for word in words:
        assert (word if isinstance(word, bytes) else word.encode()) not in written
    image = Image.open(io.BytesIO(written))
    assert not image.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile", "Comment"} & set(image.info)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("came_as", ["JPEG", "WEBP", "AVIF"])
async def test_sensitive_takes_what_tells_on_people_and_leaves_the_rest(
    studio: Studio, came_as: str, format_: str
) -> None:
    _, written = await studio.made(source(came_as), f"-/preview/-/strip_meta/sensitive/-/format/{format_}/")
    for word in (*SENSITIVE.values(), MAKER.decode(), "REMARK", COMMENT.decode(), "PLACE"):
        assert word.encode() not in written
    exif = Image.open(io.BytesIO(written)).getexif()
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert {tag: exif[tag].strip("\0 ") for tag in HARMLESS} == HARMLESS
    assert exif.get_ifd(ExifTags.IFD.Exif)[0x9003] == "2024:05:17 10:11:12"


@pytest.mark.parametrize("format_", FORMATS)
async def test_none_leaves_everything_that_is_still_true(studio: Studio, format_: str) -> None:
    _, written = await studio.made(source(), f"-/preview/-/strip_meta/none/-/format/{format_}/")
    image = Image.open(io.BytesIO(written))
    exif = image.getexif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert {tag: inner[tag].strip("\0 ") for tag in SENSITIVE} == SENSITIVE
    image.load()  # Pillow reads the text of a PNG with its pixels
    assert "PLACE-7" in str([image.info.get("xmp"), image.info.get("XML:com.adobe.xmp")])


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("strip", ["none", "sensitive"])
async def test_a_picture_that_was_turned_does_not_say_that_it_wants_turning(
    studio: Studio, strip: str, format_: str
) -> None:
    got = await studio.picture(source(), f"-/preview/-/strip_meta/{strip}/-/format/{format_}/-/quality/best/")
    assert got.size == (120, 160)
    assert got.getexif().get(0x0112, 1) == 1
    assert far(pixels(got), pixels(PHOTO.transpose(Image.Transpose.ROTATE_270))) < 12


async def test_a_thumbnail_of_the_uncropped_original_never_stays(studio: Studio) -> None:
    """Cameras keep a small JPEG inside EXIF; after a crop it would still show the whole."""
    tags = corpus.exif()
    small = saved(PHOTO.resize((32, 24)), "JPEG", quality=30)
    plain = tags.tobytes()
    content = saved(PHOTO, "JPEG", exif=_with_thumbnail(plain, small))
    assert small in content
    for strip in ("all", "sensitive", "none"):
        _, written = await studio.made(content, f"-/preview/-/strip_meta/{strip}/-/format/jpeg/")
        assert small[200:] not in written
        assert written.count(b"\xff\xd8\xff") == 1


def _with_thumbnail(exif: bytes, thumbnail: bytes) -> bytes:
    """EXIF of one little-endian directory, and a second one that points to a JPEG behind it."""
    body = bytearray(exif[6:]) if exif.startswith(b"Exif") else bytearray(exif)
    order = "little" if body[:2] == b"II" else "big"
    number = lambda value, size: value.to_bytes(size, order)  # noqa: E731
    first = int.from_bytes(body[4:8], order)
    count = int.from_bytes(body[first : first + 2], order)
    link = first + 2 + 12 * count
    at = len(body)
    body[link : link + 4] = number(at, 4)
    entries = [(0x0103, 3, 6), (0x0201, 4, at + 2 + 3 * 12 + 4), (0x0202, 4, len(thumbnail))]
    body += number(len(entries), 2)
    for tag, kind, value in entries:
        body += number(tag, 2) + number(kind, 2) + number(1, 4) + number(value, 2 if kind == 3 else 4).ljust(4, b"\0")
    return b"Exif\0\0" + bytes(body) + bytes(4) + thumbnail


async def test_polyglots_lose_their_tail(studio: Studio) -> None:
    """A JPEG with a script behind its end is a picture; what is made of it is nothing else."""
    _, written = await studio.made(source() + corpus.HTML, "-/preview/-/strip_meta/none/-/format/jpeg/")
    assert b"<script" not in written
    assert np.asarray(Image.open(io.BytesIO(written))).shape == (160, 120, 3)
