"""Answers in JSON: fields, colours and hashes, as a client gets them."""

import json
import math
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.adapters.vips.info import blurhash, main_colours, perceptual_hash
from tests import corpus
from tests.integration.vips.studio import Studio, saved

PHOTO = corpus.photo(640, 480, 5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    async with VipsPool(VipsSettings(workers=1)) as pool:
        yield Studio(pool, tmp_path_factory.mktemp("documents"))


@pytest.mark.asyncio(loop_scope="module")
async def test_json_of_a_photograph(studio: Studio) -> None:
    content = saved(PHOTO, "JPEG", exif=corpus.exif(orientation=6, gps=(48.2, 16.37)), dpi=(72, 72))
    rendered, written = await studio.made(content, "-/json/")
    found = json.loads(written)
    assert rendered.content_type == "application/json"
    assert {key: found[key] for key in found if key not in ("hash", "blurhash")} == {
        "id": "",
        "dpi": [72, 72],
        "width": 480,
        "format": "JPEG",
        "height": 640,
        "sequence": False,
        "color_mode": "RGB",
        "orientation": 6,
        "geo_location": {"latitude": 48.2, "longitude": 16.37},
        "datetime_original": None,
    }
    assert len(found["hash"]) == 16
    assert len(found["blurhash"]) == 28


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "size", "described"),
    [
        ("-/preview/100x100/-/json/", (100, 75), "-/preview/100x100/"),
        ("-/crop/50px50p/-/rotate/90/-/jsonp/", (240, 320), "-/crop/50px50p/-/rotate/90/"),
        ("-/trim/255/-/json/", (640, 480), "-/trim/255/0/"),
        ("-/resize/20x10/-/main_colors/2/", (20, 10), "-/resize/20x10/"),
        ("main_colors/300/".replace("300", "3"), (640, 480), ""),
    ],
)
async def test_a_document_describes_the_result(
    studio: Studio, path: str, size: tuple[int, int], described: str
) -> None:
    rendered, written = await studio.made(saved(PHOTO, "PNG"), path)
    if "jsonp" in path:
        assert written.startswith(b"uploadcare_callback(")
        assert rendered.content_type == "application/javascript"
        written = written[len(b"uploadcare_callback(") : -1]
    found = json.loads(written)
    assert (found["width"], found["height"]) == size == (rendered.width, rendered.height)
    assert found["id"] == f"//{described}"
    assert (found["original"]["width"], found["original"]["format"]) == (640, "PNG")
    if "main_colors" in path:
        assert 1 <= len(found["main_colors"]) <= 3


@pytest.mark.asyncio(loop_scope="module")
async def test_a_trimmed_picture_is_described_as_it_came_out(studio: Studio) -> None:
    framed = np.full((300, 400, 3), 255, np.uint8)
    framed[40:240, 100:350] = PHOTO[:200, :250]
    rendered, written = await studio.made(saved(framed, "PNG"), "-/trim/20/-/resize/x100/-/json/")
    found = json.loads(written)
    assert (found["width"], found["height"]) == (125, 100) == (rendered.width, rendered.height)
    picture = await studio.picture(saved(framed, "PNG"), "-/trim/20/-/resize/x100/-/format/png/")
    assert picture.size == (125, 100)
    assert np.asarray(picture.convert("RGB")).max(axis=2).min() < 250


def test_main_colours_are_those_of_the_picture() -> None:
    picture = Image.new("RGB", (100, 100), (250, 240, 10))
    picture.paste((10, 20, 200), (0, 0, 30, 100))
    picture.paste((200, 0, 0), (0, 0, 10, 100))
    assert main_colours(picture, 3) == [(250, 240, 10), (10, 20, 200), (200, 0, 0)]
    assert main_colours(picture, 256) == [(250, 240, 10), (10, 20, 200), (200, 0, 0)]
    assert len(main_colours(Image.fromarray(PHOTO).resize((64, 64)), 16)) == 16


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_the_hash_is_near_for_what_looks_alike_and_far_for_what_does_not() -> None:
    picture = Image.fromarray(PHOTO)
    own = perceptual_hash(picture)
    assert distance(own, perceptual_hash(picture.resize((100, 75)))) <= 4
    assert distance(own, perceptual_hash(picture.point(lambda value: value * 0.8))) <= 4
    assert distance(own, perceptual_hash(Image.fromarray(corpus.photo(640, 480, 6)))) >= 16
    assert distance(own, perceptual_hash(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))) >= 16
    assert perceptual_hash(Image.new("RGB", (5, 5), "red")) == "0" * 16


def test_the_hash_is_a_dct_by_the_book() -> None:
    grey = np.asarray(Image.fromarray(PHOTO).convert("L").resize((32, 32), Image.Resampling.LANCZOS), float)
    waves = np.array([[math.cos(math.pi * u * (2 * x + 1) / 64) for x in range(32)] for u in range(8)])
    found = (waves @ grey @ waves.T).ravel()
    bits = found > np.median(found[1:])
    bits[0] = False
    assert perceptual_hash(Image.fromarray(PHOTO)) == f"{int(''.join('01'[bit] for bit in bits.astype(int)), 2):016x}"


DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def in_83(text: str) -> int:
    value = 0
    for digit in text:
        value = value * 83 + DIGITS.index(digit)
    return value


def decoded(text: str, width: int, height: int) -> np.ndarray:
    """A BlurHash as a picture, linear light, as its specification has it."""
    across, down = in_83(text[0]) % 9 + 1, in_83(text[0]) // 9 + 1
    reach = (in_83(text[1]) + 1) / 166
    mean = in_83(text[2:6])
    factors = [np.array([light((mean >> shift) & 255) for shift in (16, 8, 0)])]
    for at in range(6, len(text), 2):
        value = in_83(text[at : at + 2])
        steps = np.array([value // 361, value // 19 % 19, value % 19])
        factors.append(np.sign(steps - 9) * ((steps - 9) / 9) ** 2 * reach)
    y, x = np.mgrid[0:height, 0:width]
    shape = [
        np.cos(math.pi * u * x / width) * np.cos(math.pi * v * y / height) for v in range(down) for u in range(across)
    ]
    return sum(wave[..., None] * factor for wave, factor in zip(shape, factors, strict=True))  # pyright: ignore[reportReturnType] - sum() of arrays


def light(value: int) -> float:
    c = value / 255
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_blurhash_decodes_to_a_blurred_picture(seed: int) -> None:
    picture = Image.fromarray(corpus.photo(160, 120, seed)).resize((32, 24), Image.Resampling.LANCZOS)
    linear = np.vectorize(light)(np.asarray(picture))
    text = blurhash(picture)
    assert len(text) == 6 + 2 * 11
    got = decoded(text, 32, 24)
    # Independent: least squares of the same cosines cannot be much nearer than what the text says.
    y, x = np.mgrid[0:24, 0:32]
    waves = np.stack(
        [(np.cos(math.pi * u * x / 32) * np.cos(math.pi * v * y / 24)).ravel() for v in range(3) for u in range(4)], 1
    )
    best = waves @ np.linalg.lstsq(waves, linear.reshape(-1, 3), rcond=None)[0]
    assert np.abs(got.reshape(-1, 3) - best).mean() < 0.03
    assert np.abs(got - linear).mean() < np.abs(linear - linear.mean(axis=(0, 1))).mean()


def test_the_blurhash_of_one_colour() -> None:
    text = blurhash(Image.new("RGB", (64, 64), (255, 128, 0)))
    assert text[0] == "L"
    assert in_83(text[2:6]) == 0xFF8000
