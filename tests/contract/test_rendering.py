"""What every ImageInspector and Renderer promises. Add an engine by adding it to `engine`."""

import io
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from pi_heif import register_heif_opener
from PIL import Image, ImageCms, ImageOps

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.errors import Unsupported
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.negotiate import AcceptClass, choose
from longshore.core.imaging.plan import make_plan, preview_plan
from longshore.core.media import BrokenMedia, GeoLocation, ImageFacts, MediaTooLarge
from longshore.ports.rendering import Rendered
from tests import corpus

pytestmark = pytest.mark.asyncio(loop_scope="module")
register_heif_opener()


class Engine:
    """An engine, and the verbs tests need: files in, pictures out."""

    def __init__(self, pool: VipsPool, folder: Path) -> None:
        self.pool = pool
        self.folder = folder

    async def inspect(self, content: bytes) -> ImageFacts:
        source = self._source(content)
        try:
            return await self.pool.inspect(source)
        finally:
            os.close(source)

    async def made(self, content: bytes, path: str, accept: AcceptClass = AcceptClass.OTHER) -> tuple[Rendered, bytes]:
        """Inspect, plan, render."""
        facts = await self.inspect(content)
        operations = parse(path).operations
        choice = choose(operations, accept, facts)
        plan = make_plan(operations, facts, choice)
        source, result = self._source(content), self.folder / "result"
        target = os.open(result, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            rendered = await self.pool.render(plan, source, target)
        finally:
            os.close(source)
            os.close(target)
        written = result.read_bytes()
        assert rendered == Rendered(
            content_type=choice.format.content_type, width=plan.width, height=plan.height, size=len(written)
        )
        return rendered, written

    async def picture(self, content: bytes, path: str, accept: AcceptClass = AcceptClass.OTHER) -> Image.Image:
        rendered, written = await self.made(content, path, accept)
        image = Image.open(io.BytesIO(written))
        assert image.size == (rendered.width, rendered.height)
        assert image.get_format_mimetype() == rendered.content_type
        return image

    def _source(self, content: bytes) -> int:
        path = self.folder / "source"
        path.write_bytes(content)
        return os.open(path, os.O_RDONLY)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["vips"])
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with VipsPool(VipsSettings(workers=1)) as pool:
        yield Engine(pool, tmp_path_factory.mktemp("engine"))


def encoded(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002 - Pillow's own word
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def pixels(image: Image.Image, mode: str = "RGB") -> np.ndarray:
    return np.asarray(image.convert(mode), np.float64)


def far(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference, in levels of 255."""
    return float(np.abs(one - other).mean())


FLAT = Image.new("RGB", (300, 200), (200, 100, 50))
PHOTO = Image.fromarray(corpus.photo(640, 480, 5))
CROP = PHOTO.crop((0, 0, 300, 200))


# --------------------------------------------------------------------------------------------------------------- facts


async def test_the_facts_of_a_photograph(engine: Engine) -> None:
    exif = corpus.exif(orientation=6, taken=datetime(2024, 5, 17, 10, 11, 12), gps=(-33.8568, 151.2153))  # noqa: DTZ001
    photograph = encoded(PHOTO, "JPEG", exif=exif, dpi=(72, 72), progressive=True)

    assert await engine.inspect(photograph) == ImageFacts(
        format="JPEG",
        width=480,
        height=640,
        color_mode="RGB",
        orientation=6,
        dpi=(72, 72),
        progressive=True,
        geo_location=GeoLocation(latitude=-33.8568, longitude=151.2153),
        datetime_original="2024-05-17T10:11:12",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encoded(FLAT, "PNG"), ("PNG", "RGB", False, 1, False)),
        (encoded(FLAT.convert("RGBA"), "PNG"), ("PNG", "RGBA", False, 1, False)),
        (encoded(Image.new("RGBA", (300, 200), (1, 2, 3, 254)), "PNG"), ("PNG", "RGBA", False, 1, True)),
        (encoded(FLAT.convert("P"), "PNG"), ("PNG", "P", False, 1, False)),
        (encoded(FLAT.convert("P"), "PNG", transparency=0), ("PNG", "P", False, 1, None)),
        (encoded(FLAT.convert("L"), "PNG"), ("PNG", "L", False, 1, False)),
        (encoded(Image.new("I;16", (300, 200), 9000), "PNG"), ("PNG", "L", False, 1, False)),
        (encoded(FLAT.convert("CMYK"), "JPEG"), ("JPEG", "CMYK", False, 1, False)),
        (encoded(FLAT, "WEBP"), ("WEBP", "RGB", False, 1, False)),
        (encoded(FLAT, "AVIF"), ("AVIF", "RGB", False, 1, False)),
        (encoded(Image.new("RGBA", (300, 200), (1, 2, 3, 99)), "AVIF"), ("AVIF", "RGBA", False, 1, True)),
        (encoded(FLAT, "BMP"), ("BMP", "RGB", False, 1, False)),
        (encoded(FLAT, "PCX"), ("PCX", "RGB", False, 1, False)),
        (encoded(FLAT, "TGA"), ("TGA", "RGB", False, 1, False)),
        (encoded(FLAT, "TIFF"), ("TIFF", "RGB", False, 1, False)),
        (encoded(FLAT, "TIFF", save_all=True, append_images=[FLAT]), ("TIFF", "RGB", False, 2, False)),
        (corpus.gif_animated(300, 200, 1, frames=4), ("GIF", "P", True, 4, False)),
        (
            encoded(FLAT, "WEBP", save_all=True, append_images=[CROP]),
            ("WEBP", "RGB", True, 2, False),
        ),
    ],
)
async def test_the_facts_of_each_format(engine: Engine, content: bytes, expected: tuple[object, ...]) -> None:
    facts = await engine.inspect(content)
    assert (facts.width, facts.height) == (300, 200)
    got = (facts.format, facts.color_mode, facts.sequence, facts.frames, facts.has_alpha)
    assert got[:4] == expected[:4]
    assert expected[4] is None or facts.has_alpha is expected[4]


async def test_the_facts_of_a_drawing(engine: Engine) -> None:
    facts = await engine.inspect(corpus.SVG)
    assert (facts.format, facts.width, facts.height, facts.has_alpha) == ("SVG", 40, 30, True)


async def test_damaged_exif_does_not_make_a_picture_worthless(engine: Engine) -> None:
    facts = await engine.inspect(encoded(FLAT, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert (facts.width, facts.orientation, facts.geo_location) == (300, None, None)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "BMP"])
async def test_a_file_that_is_cut_short_is_broken(engine: Engine, format_: str) -> None:
    whole = encoded(PHOTO, format_)
    await engine.inspect(whole)
    for keep in (0.3, 0.5, 0.9, 0.99):
        with pytest.raises(BrokenMedia):
            await engine.inspect(corpus.truncated(whole, keep=keep))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8",
        corpus.HTML,
        b"<html><body>" + corpus.SVG,
        b"%PDF-1.7\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"push graphic-context\nviewbox 0 0 64 64\nimage over 0,0 0,0 'label:hello'\npop graphic-context\n",
        b"P6 1 1 255 abc",
        b"1,2,3\n4,5,6\n",
        b"\x08\xf2\xa6\xb6" + bytes(100),  # libvips' own format
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        bytes(5000),
    ],
)
async def test_what_is_no_image_of_ours_is_unsupported(engine: Engine, content: bytes) -> None:
    with pytest.raises(Unsupported):
        await engine.inspect(content)


async def test_a_header_that_claims_too_much_is_too_large(engine: Engine) -> None:
    with pytest.raises(MediaTooLarge):
        await engine.inspect(corpus.png_claiming(60_000, 60_000))


async def test_a_png_with_a_wrong_but_harmless_profile_is_fine(engine: Engine) -> None:
    """libpng warns of many profiles that everyone shows; a warning is no damage."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[64:68] = b"\xff\xff\xff\xff"
    assert (await engine.inspect(encoded(FLAT, "PNG", icc_profile=bytes(profile)))).width == 300


# -------------------------------------------------------------------------------------------------------------- pixels


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "BMP"])
async def test_a_preview_looks_like_the_average_of_what_it_covers(engine: Engine, format_: str) -> None:
    got = pixels(await engine.picture(encoded(PHOTO, format_), "-/preview/160x120/-/format/png/"))
    # Independent arithmetic: the mean of each 4x4 block. A filter with a wider kernel is sharper, not brighter.
    blocks = pixels(PHOTO).reshape(120, 4, 160, 4, 3).mean(axis=(1, 3))
    assert far(got, blocks) < 4.5
    assert abs(got.mean() - blocks.mean()) < 0.6


@pytest.mark.parametrize("path", ["-/resize/900x/", "-/resize/100x400/", "-/resize/x77/", "-/preview/99x99/"])
async def test_resizing_agrees_with_pillow(engine: Engine, path: str) -> None:
    got = await engine.picture(encoded(PHOTO, "PNG"), f"{path}-/format/png/")
    # Lanczos when it shrinks, bicubic when it enlarges.
    kernel = Image.Resampling.BICUBIC if got.width > PHOTO.width else Image.Resampling.LANCZOS
    assert far(pixels(got), pixels(PHOTO.resize(got.size, kernel, reducing_gap=None))) < 2.5


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
async def test_every_orientation_comes_out_upright(engine: Engine, format_: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(PHOTO, format_, exif=exif)
    upright = ImageOps.exif_transpose(_tagged(PHOTO, orientation)).resize((120, 160) if orientation > 4 else (160, 120))

    got = await engine.picture(content, "-/preview/160x160/-/format/png/")

    assert got.size == upright.size
    assert far(pixels(got), pixels(upright)) < 5
    assert 0x0112 not in got.getexif()


def _tagged(image: Image.Image, orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return Image.open(io.BytesIO(encoded(image, "PNG", exif=exif)))


async def test_autorotate_no_leaves_pixels_as_they_are_stored(engine: Engine) -> None:
    content = encoded(PHOTO, "JPEG", exif=corpus.exif(orientation=6))
    got = await engine.picture(content, "-/autorotate/no/-/preview/160x160/-/format/png/")
    assert far(pixels(got), pixels(PHOTO.resize((160, 120)))) < 5


async def test_a_profile_is_turned_into_srgb(engine: Engine) -> None:
    """A picture whose profile says that red and green are swapped must come out with them swapped back."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = bytearray(srgb.tobytes())
    at = {bytes(swapped[i : i + 4]): i for i in range(132, 132 + 12 * swapped[131], 12)}
    red, green = (bytes(swapped[at[tag] + 4 : at[tag] + 12]) for tag in (b"rXYZ", b"gXYZ"))
    swapped[at[b"rXYZ"] + 4 : at[b"rXYZ"] + 12] = green
    swapped[at[b"gXYZ"] + 4 : at[b"gXYZ"] + 12] = red
    profile = bytes(swapped).replace(b"sRGB", b"tRGB").replace("sRGB".encode("utf-16-be"), "tRGB".encode("utf-16-be"))

    for format_ in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        got = await engine.picture(encoded(FLAT, format_, icc_profile=profile), "-/preview/30x20/-/format/png/")
        assert pixels(got)[10, 15] == pytest.approx([100, 200, 50], abs=5), format_
        assert "icc_profile" not in got.info


async def test_cmyk_comes_out_in_its_colours(engine: Engine) -> None:
    cmyk = encoded(Image.new("CMYK", (300, 200), (0, 255, 255, 0)), "JPEG", quality=95)
    red, green, blue = pixels(await engine.picture(cmyk, "-/preview/30x20/-/format/png/"))[10, 15]
    assert red > 180
    assert green < 80
    assert blue < 80


async def test_alpha_is_kept_and_never_bleeds(engine: Engine) -> None:
    """Invisible green beside visible red: scaled without premultiplying, the border would turn green."""
    image = Image.new("RGBA", (400, 200), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 203, 200))
    for path in ("-/preview/100x50/-/format/png/", "-/preview/100x50/-/format/webp/-/quality/best/"):
        got = pixels(await engine.picture(encoded(image, "PNG"), path), "RGBA")
        visible = got[got[:, :, 3] > 30]
        assert visible[:, 1].max() < 30
        assert (got[:, 10, 3].min(), got[:, 90, 3].max()) == (255, 0)


async def test_jpeg_shows_white_where_there_was_nothing(engine: Engine) -> None:
    half = Image.new("RGBA", (300, 200), (0, 0, 0, 128))
    got = pixels(await engine.picture(encoded(half, "PNG"), "-/preview/30x20/-/format/jpeg/"))
    assert got[10, 15] == pytest.approx([127, 127, 127], abs=2)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (FLAT.convert("L"), 124),
        (FLAT.convert("LA"), 124),
        (Image.new("I;16", (300, 200), 40_000), 40_000 / 257),
        (Image.new("1", (300, 200), 1), 255),
    ],
)
async def test_grey_stays_grey(engine: Engine, image: Image.Image, expected: float) -> None:
    got = await engine.picture(encoded(image, "PNG"), "-/preview/30x20/-/format/png/")
    assert got.mode in ("L", "LA")
    assert pixels(got, "L")[10, 15] == pytest.approx(expected, abs=1.5)


async def test_a_chain_that_shrinks_and_enlarges_stays_blurred(engine: Engine) -> None:
    got = pixels(await engine.picture(encoded(PHOTO, "PNG"), "-/resize/20x/-/resize/320x/-/format/png/"))
    small = PHOTO.resize((20, 15), Image.Resampling.LANCZOS).resize((320, 240), Image.Resampling.BICUBIC)
    assert far(got, pixels(small)) < 6


async def test_an_svg_is_drawn_at_the_size_asked_for(engine: Engine) -> None:
    got = await engine.picture(corpus.SVG, "-/resize/400x/-/format/png/")
    assert got.size == (400, 300)
    assert pixels(got)[150, 200] == pytest.approx([0, 128, 128], abs=1)


async def test_an_animation_shows_its_first_frame(engine: Engine) -> None:
    content = corpus.gif_animated(300, 200, 1)
    first = Image.open(io.BytesIO(content)).convert("RGB")
    got = await engine.picture(content, "-/preview/300x200/-/format/png/")
    assert far(pixels(got), pixels(first)) < 1


# ------------------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("accept", AcceptClass)
async def test_every_client_gets_a_format_it_can_show(engine: Engine, accept: AcceptClass) -> None:
    got = await engine.picture(encoded(PHOTO, "JPEG"), "-/preview/300x200/", accept)
    assert got.format == {"avif": "AVIF", "webp": "WEBP", "other": "JPEG"}[accept.value]
    assert far(pixels(got), pixels(PHOTO.resize(got.size))) < 9


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif"])
async def test_better_quality_means_more_bytes_and_less_error(engine: Engine, format_: str) -> None:
    """Steps are the contract's: lightest about half, best about 1.7 times as large as normal."""
    content = encoded(Image.fromarray(corpus.photo(1632, 1224, 2)), "PNG", compress_level=1)
    sizes: list[int] = []
    errors: list[float] = []
    truth = pixels(await engine.picture(content, "-/preview/800x600/-/format/png/"))
    for level in ("lightest", "lighter", "normal", "better", "best"):
        rendered, written = await engine.made(content, f"-/preview/800x600/-/quality/{level}/-/format/{format_}/")
        sizes.append(rendered.size)
        errors.append(far(pixels(Image.open(io.BytesIO(written))), truth))
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    relative = [size / sizes[2] for size in sizes]
    assert relative == pytest.approx([0.5, 0.8, 1, 1.25, 1.7], rel=0.15)


async def test_progressive_is_what_was_asked_for(engine: Engine) -> None:
    content = encoded(PHOTO, "JPEG")
    plain = await engine.picture(content, "-/preview/300x300/")
    progressive = await engine.picture(content, "-/preview/300x300/-/progressive/yes/")
    assert not plain.info.get("progressive")
    assert progressive.info.get("progressive")


@pytest.mark.parametrize("format_", ["jpeg", "png", "webp", "avif"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "AVIF"])
async def test_nothing_of_the_camera_is_delivered(engine: Engine, source: str, format_: str) -> None:
    tags = corpus.exif(gps=(48.2, 16.37), camera="SecretCam")
    extra = {"comment": b"secret words"} if source == "JPEG" else {}
    content = encoded(PHOTO, source, exif=tags, xmp=b"<x:xmpmeta>secret words</x:xmpmeta>", **extra)
    _, written = await engine.made(content, f"-/preview/300x300/-/format/{format_}/")
    assert b"SecretCam" not in written
    assert b"secret words" not in written
    image = Image.open(io.BytesIO(written))
    assert not image.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile"} & set(image.info)


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif"])
async def test_metadata_stays_when_asked_for_except_what_tells_on_people(engine: Engine, format_: str) -> None:
    tags = corpus.exif(gps=(48.2, 16.37), camera="SomeCam")
    tags.get_ifd(0x8769)[0xA431] = "SERIAL-123"
    tags[0x8298] = "Copyright Somebody"
    content = encoded(PHOTO, "JPEG", exif=tags, xmp=b"<x:xmpmeta>place</x:xmpmeta>")

    kept = (await engine.picture(content, f"-/preview/300x300/-/strip_meta/none/-/format/{format_}/")).getexif()
    assert (kept[0x010F].strip("\0 "), bool(kept.get_ifd(0x8825))) == ("SomeCam", True)

    _, written = await engine.made(content, f"-/preview/300x300/-/strip_meta/sensitive/-/format/{format_}/")
    some = Image.open(io.BytesIO(written)).getexif()
    assert "Copyright Somebody" in some[0x8298]
    assert not some.get_ifd(0x8825)
    assert b"SERIAL-123" not in written
    assert b"xmpmeta" not in written


async def test_the_small_preview_is_one_call(engine: Engine) -> None:
    content = corpus.photo_jpeg(1632, 1224, 2)
    facts = await engine.inspect(content)
    (engine.folder / "small.jpg").write_bytes(content)
    source = os.open(engine.folder / "small.jpg", os.O_RDONLY)
    target = os.open(engine.folder / "small.webp", os.O_WRONLY | os.O_CREAT)
    rendered = await engine.pool.render(preview_plan(facts), source, target)
    os.close(source)
    os.close(target)
    assert (rendered.content_type, rendered.width, rendered.height) == ("image/webp", 320, 240)


async def test_a_file_that_changed_since_its_inspection_is_not_rendered(engine: Engine) -> None:
    facts = await engine.inspect(encoded(PHOTO, "PNG"))
    (engine.folder / "other").write_bytes(encoded(FLAT, "PNG"))
    source = os.open(engine.folder / "other", os.O_RDONLY)
    target = os.open(engine.folder / "result", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        with pytest.raises(BrokenMedia):
            await engine.pool.render(preview_plan(facts), source, target)
    finally:
        os.close(source)
        os.close(target)


@pytest.mark.parametrize("name", ["plain", "turned"])
async def test_heic_is_read_and_turned_once(engine: Engine, name: str) -> None:
    """Made by x265: red, blue to the right, green in a corner. `turned` has a rotation box and an EXIF orientation."""
    content = (Path(__file__).parent / "heic" / f"{name}.heic").read_bytes()
    facts = await engine.inspect(content)
    assert (facts.format, facts.width, facts.height, facts.color_mode) == ("HEIF", 64, 48, "RGB")
    got = await engine.picture(content, "-/preview/-/format/png/")
    truth = Image.open(io.BytesIO(content)).convert("RGB")
    assert got.size == truth.size == (64, 48)
    assert far(pixels(got), pixels(truth)) < 1
    with pytest.raises(BrokenMedia):
        await engine.inspect(content[:-60])
