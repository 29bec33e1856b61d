"""Words of quality through the pool: perceptual levels, sizes, and which format is sent."""

import io

import numpy as np
import pytest
import pyvips
from PIL import Image

from benchmarks.engine import perception
from benchmarks.engine.calibrate import reduced
from longshore.adapters.vips.judge import tiles
from longshore.core.imaging.negotiate import AcceptClass
from longshore.core.imaging.operations import QualityLevel
from longshore.core.imaging.quality import LEVELS
from tests import corpus, graphics
from tests.integration.vips.studio import Studio, far, pixels, saved

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = ("lightest", "lighter", "normal", "better", "best")
SIZES = (0.5, 0.8, 1.0, 1.25, 1.7)
PHOTOS = [reduced(seed, 480, 360) for seed in (2, 3)]


def score(truth: perception.Truth, content: bytes) -> float:
    return perception.score(truth, np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif"])
async def test_a_word_is_one_perceptual_level_and_the_contracts_size(studio: Studio, format_: str) -> None:
    sizes, scores = np.zeros(len(WORDS)), np.zeros(len(WORDS))
    for photo in PHOTOS:
        truth, source = perception.truth(photo), saved(photo, "PNG", compress_level=1)
        made = [(await studio.made(source, f"-/format/{format_}/-/quality/{word}/"))[1] for word in WORDS]
        sizes += np.log([len(content) for content in made])
        scores += [score(truth, content) / len(PHOTOS) for content in made]
    relative = np.exp((sizes - sizes[2]) / len(PHOTOS))
    assert relative == pytest.approx(SIZES, rel=0.13)
    assert scores == pytest.approx([LEVELS[QualityLevel(word)] for word in WORDS], abs=4)


@pytest.mark.parametrize("format_", ["jpeg", "avif"])
async def test_smart_brings_unlike_pictures_to_one_level(studio: Studio, format_: str) -> None:
    photo = Image.fromarray(PHOTOS[0])
    soft = np.asarray(photo.resize((120, 90)).resize(photo.size, Image.Resampling.BICUBIC))
    noise = np.random.default_rng(1).normal(0, 10, PHOTOS[0].shape)
    noisy = np.clip(PHOTOS[0] + noise, 0, 255).astype(np.uint8)
    spread: dict[str, float] = {}
    for word in ("normal", "smart"):
        scores = [
            score(perception.truth(picture), (await studio.made(
                saved(picture, "PNG", compress_level=1), f"-/format/{format_}/-/quality/{word}/"))[1])
            for picture in (soft, noisy)
        ]  # fmt: skip
        spread[word] = abs(scores[0] - scores[1])
    assert spread["smart"] < 0.7 * spread["normal"]


@pytest.mark.parametrize("size", [(1, 1), (1, 9000), (9000, 1), (127, 4000), (500, 500), (9000, 7000)])
async def test_what_smart_looks_at_is_bounded(size: tuple[int, int]) -> None:
    looked_at = tiles(pyvips.Image.black(*size, bands=3).copy(interpretation="srgb"))
    assert looked_at.width * looked_at.height <= 131_072


async def test_smart_for_dense_screens_is_smaller(studio: Studio) -> None:
    source = saved(PHOTOS[0], "PNG", compress_level=1)
    smart, _ = await studio.made(source, "-/format/webp/-/quality/smart/")
    retina, _ = await studio.made(source, "-/format/webp/-/quality/smart_retina/")
    assert retina.size < 0.8 * smart.size


async def test_a_jpeg_is_not_written_better_than_it_came(studio: Studio) -> None:
    poor = saved(PHOTOS[0], "JPEG", quality=40)
    capped, _ = await studio.made(poor, "-/format/jpeg/-/quality/best/")
    assert capped.size < 1.25 * len(poor)
    shrunk, _ = await studio.made(poor, "-/format/jpeg/-/quality/best/-/preview/200x150/")
    normal, _ = await studio.made(poor, "-/format/jpeg/-/quality/normal/-/preview/200x150/")
    assert shrunk.size > 1.3 * normal.size  # what it lost is gone with its pixels


@pytest.mark.parametrize("accept", list(AcceptClass))
@pytest.mark.parametrize("picture", [graphics.logo, graphics.text, graphics.screenshot, graphics.drawing])
async def test_flat_pictures_are_sent_without_loss_where_that_is_smaller(studio: Studio, accept, picture) -> None:
    drawn = picture(320, 240)
    source = saved(drawn, "PNG")
    rendered, content = await studio.made(source, "-/preview/", accept)
    lossy, _ = await studio.made(source, "-/format/jpeg/")
    assert rendered.size <= lossy.size
    if rendered.content_type != "image/jpeg":
        assert far(pixels(Image.open(io.BytesIO(content))), drawn) == 0


async def test_few_colours_make_a_png_with_a_palette(studio: Studio) -> None:
    got = await studio.picture(saved(graphics.logo(320, 240), "BMP"), "-/preview/")
    assert (got.format, got.mode) == ("PNG", "P")
    assert far(pixels(got), graphics.logo(320, 240)) == 0


async def test_a_photograph_in_a_palette_file_is_sent_as_what_it_is(studio: Studio) -> None:
    """A GIF or palette PNG need not be a drawing: reduced, a dithered photograph has all colours again."""
    source = saved(Image.fromarray(corpus.photo(640, 480, 5)).quantize(256), "PNG")
    assert (await studio.picture(source, "-/preview/320x240/")).format == "JPEG"


async def test_transparency_that_is_nowhere_seen_does_not_make_a_png(studio: Studio) -> None:
    image = Image.fromarray(PHOTOS[0]).convert("RGBA")
    assert (await studio.picture(saved(image, "PNG"), "-/preview/")).format == "JPEG"
    image.putpixel((240, 180), (0, 0, 0, 0))
    assert (await studio.picture(saved(image, "PNG"), "-/preview/")).format == "PNG"


async def test_jpeg_shows_the_fill_colour_through(studio: Studio) -> None:
    clear = saved(Image.new("RGBA", (32, 32), (9, 9, 9, 0)), "PNG")
    assert pixels(await studio.picture(clear, "-/format/jpeg/"))[16, 16] == pytest.approx([255, 255, 255], abs=2)
    got = await studio.picture(clear, "-/setfill/0080ff/-/format/jpeg/")
    assert pixels(got)[16, 16] == pytest.approx([0, 128, 255], abs=3)
