"""Every kind of file that comes in, and drawings."""

import io

import numpy as np
import pytest
from PIL import Image

from longshore.core.imaging.negotiate import AcceptClass
from longshore.core.media import MediaTooLarge
from tests import corpus, graphics
from tests.integration.vips.studio import Studio, far, pixels, saved

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHOTO = Image.fromarray(corpus.photo(160, 120, 5))


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (saved(PHOTO, "JPEG", quality=95, progressive=True), 4),
        (saved(PHOTO, "JPEG", quality=95, subsampling="4:4:4"), 4),
        (saved(PHOTO.convert("L"), "JPEG", quality=95), 4),
        (saved(PHOTO, "PNG"), 0),
        (saved(PHOTO.quantize(200), "PNG"), 0),
        (saved(PHOTO.convert("1"), "PNG"), 0),
        (saved(PHOTO, "WEBP", quality=95), 4),
        (saved(PHOTO, "WEBP", lossless=True), 0),
        (saved(PHOTO.quantize(64), "GIF"), 0),
        (saved(PHOTO, "TIFF", compression="tiff_lzw"), 0),
        (saved(PHOTO, "TIFF", compression="jpeg", quality=95), 6),
        (saved(PHOTO.convert("1"), "TIFF", compression="group4"), 0),
        (saved(PHOTO, "AVIF", quality=95), 4),
        (saved(PHOTO, "BMP"), 0),
        (saved(PHOTO.quantize(16), "BMP"), 0),
        (saved(PHOTO, "PCX"), 0),
        (saved(PHOTO, "TGA"), 0),
        (saved(PHOTO, "TGA", compression="tga_rle"), 0),
    ],
)
async def test_pixels_are_those_that_pillow_sees(studio: Studio, source: bytes, error: float) -> None:
    got = await studio.picture(source, "-/preview/-/format/png/")
    assert got.size == (160, 120)
    assert far(pixels(got), pixels(Image.open(io.BytesIO(source)))) <= error


async def test_interlaced_png_is_read(studio: Studio) -> None:
    import pyvips

    interlaced = pyvips.Image.new_from_memory(PHOTO.tobytes(), 160, 120, 3, "uchar").pngsave_buffer(interlace=True)
    assert (await studio.facts(interlaced)).progressive
    assert far(pixels(await studio.picture(interlaced, "-/preview/-/format/png/")), pixels(PHOTO)) == 0


@pytest.mark.parametrize("profiled", [False, True])
async def test_cmyk_of_adobe_is_not_inverted(studio: Studio, profiled: bool) -> None:
    """Photoshop stores CMYK inverted and says so in a marker; Pillow writes such files."""
    cyan = saved(Image.new("CMYK", (32, 32), (255, 0, 0, 0)), "JPEG", quality=95)
    red, green, blue = pixels(await studio.picture(cyan, "-/format/png/"))[16, 16]
    assert red < 90
    assert min(green, blue) > 130
    white = saved(Image.new("CMYK", (32, 32), (0, 0, 0, 0)), "JPEG", quality=95)
    assert pixels(await studio.picture(white, "-/format/png/"))[16, 16].min() > 245


@pytest.mark.parametrize("accept", list(AcceptClass))
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3), (17, 13)])
async def test_the_smallest_pictures_have_every_format(
    studio: Studio, accept: AcceptClass, size: tuple[int, int]
) -> None:
    source = saved(Image.new("RGB", size, (200, 100, 50)), "PNG")
    for path in ("-/preview/", "-/format/avif/", "-/format/webp/-/quality/smart/", "-/format/jpeg/-/progressive/yes/"):
        got = await studio.picture(source, path, accept)
        assert got.size == size
        assert far(pixels(got), np.full((size[1], size[0], 3), (200, 100, 50))) < 4


# ------------------------------------------------------------------------------------------------------------ drawings


def svg(attributes: str, body: str = '<circle cx="50" cy="50" r="40" fill="#c00"/>') -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{body}</svg>'.encode()


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="100" height="100"', (100, 100)),
        ('width="100px" height="50"', (100, 50)),
        ('viewBox="0 0 100 60"', (100, 60)),
        ('width="200" viewBox="0 0 100 50"', (200, 100)),
        ('width="1in" height="0.5in"', (96, 48)),
    ],
)
async def test_the_size_of_a_drawing_is_its_own_or_its_view_box(
    studio: Studio, attributes: str, size: tuple[int, int]
) -> None:
    facts = await studio.facts(svg(attributes))
    assert (facts.width, facts.height) == size


@pytest.mark.parametrize(
    "path", ["-/resize/800x/", "-/scale_crop/800x800/center/", "-/resize/800x800/", "-/rasterize/"]
)
async def test_a_drawing_is_drawn_at_the_size_asked_for(studio: Studio, path: str) -> None:
    """Enlarged pixels would leave the circle's edge some 10 pixels wide; drawn anew it is one or two."""
    got = await studio.picture(svg('viewBox="0 0 100 100" width="100" height="100"'), f"{path}-/format/png/")
    row = np.asarray(got.convert("RGBA"))[got.height // 2, :, 3].astype(int)
    edge = ((row > 12) & (row < 243)).sum()
    assert edge <= 4
    share = (row > 127).mean()
    assert share == pytest.approx(0.8, abs=0.02)


async def test_a_drawing_keeps_its_transparency_or_shows_paper(studio: Studio) -> None:
    drawing = svg('width="100" height="100"')
    assert (await studio.picture(drawing, "-/preview/")).format == "PNG"
    jpeg = await studio.picture(drawing, "-/preview/-/format/jpeg/")
    assert pixels(jpeg)[2, 2].min() > 250


async def test_an_enormous_drawing_is_refused(studio: Studio) -> None:
    with pytest.raises(MediaTooLarge):
        await studio.facts(svg('width="60000" height="60000"'))


async def test_text_is_not_smeared_for_any_client(studio: Studio) -> None:
    page = graphics.text(320, 240)
    for accept in AcceptClass:
        got = await studio.picture(saved(page, "PNG"), "-/preview/", accept)
        assert far(pixels(got), page) < 2
