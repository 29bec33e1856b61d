"""Overlays and boxes through the pool: what is read of which file, and where it comes out."""

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image, ImageOps

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.errors import Unsupported
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.plan import Plan, make_plan
from longshore.core.media import BrokenMedia, ImageFacts
from tests import corpus
from tests.integration.vips.chain import far, farthest
from tests.integration.vips.studio import Studio, saved

pytestmark = pytest.mark.asyncio(loop_scope="module")
PHOTO = corpus.photo(640, 480, 5)[:240, :320]
LOGO_ID = "1bd27101-6f40-460a-9358-d44c282e9d16"
PNG = Choice(format=OutputFormat.PNG, varies=False)


def logo() -> Image.Image:
    """Red, half transparent, with a hole."""
    image = Image.new("RGBA", (100, 50), (255, 0, 0, 128))
    image.paste((0, 0, 0, 0), (40, 10, 60, 40))
    return image


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    async with VipsPool(VipsSettings(workers=1)) as pool:
        yield Studio(pool, tmp_path_factory.mktemp("layers"))


async def drawn(studio: Studio, folder: Path, path: str, content: bytes, over: bytes) -> Image.Image:
    facts = await studio.facts(content)
    plan = make_plan(parse(path).operations, facts, PNG, overlays={LOGO_ID: await studio.facts(over)})
    return await rendered(studio, folder, plan, content, over)


async def rendered(studio: Studio, folder: Path, plan: Plan, content: bytes, *over: bytes) -> Image.Image:
    names = [folder / f"file-{number}" for number in range(len(over) + 1)]
    for name, one in zip(names, (content, *over), strict=True):
        name.write_bytes(one)
    opened = [os.open(name, os.O_RDONLY) for name in names]
    target = os.open(folder / "result", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        await studio.pool.render(plan, opened[0], target, overlays=opened[1:])
    finally:
        for descriptor in (*opened, target):
            os.close(descriptor)
    return Image.open(io.BytesIO((folder / "result").read_bytes()))


@pytest.mark.parametrize(
    ("parameters", "size", "place", "opacity"),
    [
        ("", (100, 50), (0, 0), 1.0),
        ("center/", (100, 50), (110, 95), 1.0),
        ("100p,100p/", (100, 50), (220, 190), 1.0),
        ("50px50p/10,20/", (100, 50), (10, 20), 1.0),  # never enlarged
        ("20px20p/center/50p/", (64, 32), (128, 104), 0.5),
        ("40px100/0,0/", (100, 50), (0, 0), 1.0),
        ("100px10/right/", (20, 10), (300, 115), 1.0),
        ("center/0p/", (100, 50), (110, 95), 0.0),
        ("280,-20/", (100, 50), (280, -20), 1.0),  # sticks out
        ("400,0/", (100, 50), (400, 0), 1.0),  # not to be seen
    ],
)
@pytest.mark.parametrize("is_clear", [False, True])
async def test_an_overlay_is_what_pillow_composes(
    studio: Studio,
    tmp_path: Path,
    parameters: str,
    size: tuple[int, int],
    place: tuple[int, int],
    opacity: float,
    is_clear: bool,
) -> None:
    below = Image.fromarray(PHOTO).convert("RGBA")
    if is_clear:
        below.putalpha(Image.linear_gradient("L").resize(below.size))
    layer = logo().resize(size, Image.Resampling.LANCZOS)
    layer.putalpha(layer.getchannel("A").point(lambda value: value * opacity))
    full = Image.new("RGBA", below.size)
    full.paste(layer, place)
    expected = np.asarray(Image.alpha_composite(below, full), float)

    content = saved(below if is_clear else below.convert("RGB"), "PNG")
    got = await drawn(studio, tmp_path, f"-/overlay/{LOGO_ID}/{parameters}", content, saved(logo(), "PNG"))

    assert got.mode == ("RGBA" if is_clear else "RGB")
    found = np.asarray(got.convert("RGBA"), float)
    assert far(found[:, :, 3], expected[:, :, 3]) < 0.5
    assert far(found * found[:, :, 3:] / 255, expected * expected[:, :, 3:] / 255) < 0.6


async def test_self_is_the_file_before_all_operations(studio: Studio) -> None:
    """The contract's example: the sharp original over its own blurred square."""
    path = "-/scale_crop/200x200/center/-/blur/100/-/grayscale/-/overlay/self/50px50p/center/-/format/png/"
    got = await studio.picture(saved(PHOTO, "JPEG", quality=95, exif=corpus.exif(orientation=3)), path)
    upright = Image.fromarray(PHOTO).transpose(Image.Transpose.ROTATE_180)
    inner = np.asarray(upright.resize((100, 75), Image.Resampling.LANCZOS))
    found = np.asarray(got.convert("RGB"))
    assert far(found[63:138, 50:150], inner) < 5
    assert np.ptp(found[:50].astype(int), axis=2).max() == 0


async def test_a_damaged_or_missing_overlay_is_an_error_and_no_crash(studio: Studio, tmp_path: Path) -> None:
    facts = await studio.facts(saved(PHOTO, "PNG"))
    other = ImageFacts(format="PNG", width=100, height=50, color_mode="RGBA", has_alpha=True)
    plan = make_plan(parse(f"-/overlay/{LOGO_ID}/").operations, facts, PNG, overlays={LOGO_ID: other})
    for bad in (saved(logo().resize((10, 10)), "PNG"), b"", b"text"):
        with pytest.raises((BrokenMedia, Unsupported)):
            await rendered(studio, tmp_path, plan, saved(PHOTO, "PNG"), bad)
    assert studio.pool.stats().crashes == 0


@pytest.mark.parametrize(
    ("format_", "orientation"),
    [*(("JPEG", orientation) for orientation in range(1, 9)), ("PNG", 6), ("PNG", 7), ("AVIF", 1), ("AVIF", 6)],
)
async def test_a_box_is_cut_out_of_the_upright_picture(studio: Studio, format_: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    speed = {"speed": 10} if format_ == "AVIF" else {}
    content = saved(PHOTO, format_, quality=95, exif=exif, **speed)
    tagged = Image.fromarray(PHOTO)
    tagged.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(tagged)
    box = (37, 51, 37 + 151, 51 + 103)

    got = await studio.picture(content, "-/crop/151x103/37,51/-/format/png/")
    assert far(np.asarray(got.convert("RGB")), np.asarray(upright.crop(box))) < 4

    small = await studio.picture(content, "-/crop/151x103/37,51/-/resize/60x/-/format/png/")
    expected = upright.resize(small.size, Image.Resampling.LANCZOS, box=box)
    assert far(np.asarray(small.convert("RGB")), np.asarray(expected)) < 4


@pytest.mark.parametrize("box", [(0, 0, 1600, 1200), (16, 32, 1280, 960), (17, 33, 1280, 960), (8, 8, 1624, 1216)])
async def test_a_box_of_a_jpeg_is_found_at_any_shrink(studio: Studio, box: tuple[int, int, int, int]) -> None:
    """Where the box lies on the decoder's grid it shrinks by itself; a shift of half a pixel would show here."""
    whole = corpus.photo(1632, 1224, 2)
    left, top, width, height = box
    content = corpus.photo_jpeg(1632, 1224, 2)
    got = await studio.picture(content, f"-/crop/{width}x{height}/{left},{top}/-/resize/200x/-/format/png/")
    expected = Image.fromarray(whole).resize(
        got.size, Image.Resampling.LANCZOS, box=(left, top, left + width, top + height)
    )
    assert far(np.asarray(got.convert("RGB")), np.asarray(expected)) < 2.5
    coarse = [np.asarray(one.convert("RGB").resize((8, 6), Image.Resampling.BOX)) for one in (got, expected)]
    assert farthest(*coarse) < 4


async def test_a_file_smaller_than_its_plan_is_not_cut(studio: Studio, tmp_path: Path) -> None:
    facts = ImageFacts(format="PNG", width=900, height=900, color_mode="RGB")
    plan = make_plan(parse("-/crop/800x800/50,50/").operations, facts, PNG)
    with pytest.raises(BrokenMedia):
        await rendered(studio, tmp_path, plan, saved(PHOTO, "PNG"))
