"""Colour operations against NumPy, to within a level: each by itself, on photographs, gradients, grey and alpha."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests import corpus
from tests.integration.vips.chain import Pixels, done, far, farthest, gradient, see_through

Floats = NDArray[np.float64]
PHOTO = corpus.photo(640, 480, 5)[:240, :320]
LUMA = np.array([0.299, 0.587, 0.114])


def luma(c: Floats) -> Floats:
    return (c @ LUMA)[..., None]


def brightness(c: Floats, v: int) -> Floats:
    return c + v / 255


def exposure(c: Floats, v: int) -> Floats:
    light = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) * 2 ** (v / 100)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def gamma(c: Floats, v: int) -> Floats:
    return c ** (v / 100)


def contrast(c: Floats, v: int) -> Floats:
    return (c - 0.5) * (1 + v / 100) + 0.5


def saturation(c: Floats, v: int) -> Floats:
    return luma(c) + (c - luma(c)) * (1 + v / 100)


def vibrance(c: Floats, v: int) -> Floats:
    spread = np.ptp(c, axis=-1, keepdims=True)
    return luma(c) + (c - luma(c)) * (1 + v / 100 * (1 - spread))


def warmth(c: Floats, v: int) -> Floats:
    return c * np.array([1 + v / 400, 1, 1 - v / 400])


@pytest.mark.parametrize("pixels", [PHOTO, gradient()], ids=["photo", "gradient"])
@pytest.mark.parametrize(
    ("formula", "amounts"),
    [
        (brightness, (-100, -1, 0, 40, 100)),
        (exposure, (-500, -100, 30, 500)),
        (gamma, (0, 1, 70, 150, 1000)),
        (contrast, (-100, -40, 50, 500)),
        (saturation, (-100, -30, 80, 500)),
        (vibrance, (-100, 50, 500)),
        (warmth, (-100, 50, 100)),
    ],
)
def test_a_colour_operation_is_its_formula(
    pixels: Pixels, formula: Callable[[Floats, int], Floats], amounts: tuple[int, ...]
) -> None:
    for amount in amounts:
        expected = np.clip(formula(pixels / 255, amount), 0, 1) * 255
        got = done(pixels, f"{formula.__name__}/{amount}")
        assert farthest(got, expected) <= 0.51, amount


def test_grayscale_is_what_pillow_calls_grey() -> None:
    grey = np.asarray(Image.fromarray(PHOTO).convert("L"))[:, :, None]
    assert farthest(done(PHOTO, "grayscale"), grey) <= 1


def test_invert_is_exact() -> None:
    assert farthest(done(PHOTO, "invert"), 255 - PHOTO) == 0


@pytest.mark.parametrize(
    "path",
    ["brightness/40", "exposure/-100", "gamma/70", "contrast/50", "saturation/80", "vibrance/60", "warmth/50", "invert",
     "grayscale", "enhance/70", "sharp/9"],
)  # fmt: skip
def test_transparency_is_left_alone(path: str) -> None:
    pixels = see_through(PHOTO)
    got = done(pixels, path)
    assert farthest(got[:, :, -1], pixels[:, :, -1]) == 0
    assert farthest(got[:, :, :-1], done(PHOTO, path)) <= 1


@pytest.mark.parametrize("path", ["brightness/40", "gamma/150", "contrast/50", "saturation/80", "invert", "enhance"])
def test_grey_pictures_stay_grey(path: str) -> None:
    grey = PHOTO[:, :, :1]
    got = done(grey, path)
    assert got.shape == grey.shape
    colour = done(np.repeat(grey, 3, axis=2), path)
    assert farthest(np.repeat(got, 3, axis=2), colour) <= 1


def test_a_grey_picture_can_be_warm() -> None:
    got = done(PHOTO[:, :, :1], "warmth/100").astype(int)
    assert got.shape[2] == 3
    assert (got[:, :, 0] >= got[:, :, 2]).all()


def test_enhance_stretches_levels_and_leaves_a_full_range_nearly_alone() -> None:
    flat = (PHOTO / 255 * 100 + 80).astype(np.uint8)
    got = done(flat, "enhance/100")
    assert np.ptp(np.percentile(got @ LUMA, [1, 99])) > 1.8 * np.ptp(np.percentile(flat @ LUMA, [1, 99]))
    assert far(done(flat, "enhance/50"), (flat.astype(float) + got) / 2) < 1
    assert farthest(done(flat, "enhance/0"), flat) == 0
    solid = np.full((20, 20, 3), 90, np.uint8)
    assert done(solid, "enhance/100").shape == solid.shape


def test_enhance_is_its_formula() -> None:
    grey = np.asarray(Image.fromarray(PHOTO).convert("L"))
    counts = np.bincount(grey.ravel(), minlength=256)
    few = grey.size * 0.005
    low = int(np.argmax(np.cumsum(counts) > few))
    high = 255 - int(np.argmax(np.cumsum(counts[::-1]) > few))
    gain = min(2, 255 / (high - low))
    levels = np.clip((PHOTO / 255 - (low + high) / 510) * gain + 0.5, 0, 1)
    strong = np.clip(contrast(levels, 10), 0, 1)
    expected = np.clip(saturation(strong, 15), 0, 1) * 255
    assert far(done(PHOTO, "enhance/100"), expected) < 1
    assert farthest(done(PHOTO, "enhance/100"), expected) < 6  # the histogram is of rounded luma


def test_neighbouring_curves_are_one_pass_and_equal() -> None:
    path = "brightness/60/-/contrast/40/-/gamma/130/-/warmth/30/-/invert/-/exposure/50"
    expected = PHOTO / 255
    for formula, amount in ((brightness, 60), (contrast, 40), (gamma, 130), (warmth, 30)):
        expected = np.clip(formula(expected, amount), 0, 1)
    expected = np.clip(exposure(1 - expected, 50), 0, 1) * 255
    assert farthest(done(PHOTO, path), expected) <= 0.51  # folded: rounded once
    assert farthest(done(PHOTO, path, folded=False), expected) <= 4  # by itself: rounded six times
