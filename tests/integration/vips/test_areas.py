"""Blur and sharpen against a convolution written out in NumPy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import corpus
from tests.integration.vips.chain import Pixels, done, far, farthest, see_through

PHOTO = corpus.photo(640, 480, 5)[:240, :320]
LUMA = np.array([0.299, 0.587, 0.114])
Floats = NDArray[np.float64]


def gaussian(pixels: Floats, sigma: float) -> Floats:
    """To 4 sigma, borders repeated."""
    reach = int(np.ceil(4 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(pixels, [(reach, reach) if a == axis else (0, 0) for a in range(3)], mode="edge")
        size = pixels.shape[axis]
        shifted = (padded.take(range(at, at + size), axis=axis) * weight for at, weight in enumerate(weights))
        pixels = np.zeros_like(pixels)
        for one in shifted:
            pixels += one
    return pixels


@pytest.mark.parametrize(
    ("strength", "mean", "most"),
    [(5, 0.6, 4), (10, 0.6, 4), (50, 0.6, 4), (100, 0.8, 8), (300, 1.0, 8), (800, 1.5, 9)],
)
def test_blur_is_a_gaussian_of_a_tenth_of_its_strength(strength: int, mean: float, most: float) -> None:
    # In a frame of one colour: large blurs repeat the border of a smaller picture, which is smoother.
    framed = np.pad(PHOTO[:120, :160], ((60, 60), (60, 60), (0, 0)), constant_values=99)
    expected = gaussian(framed.astype(float), strength / 10)
    got = done(framed, f"blur/{strength}")
    assert far(got, expected) < mean
    assert farthest(got, expected) < most


@pytest.mark.parametrize(("strength", "amount"), [(20, 50), (20, -120), (60, -200), (20, 0)])
def test_an_amount_blends_or_sharpens(strength: int, amount: int) -> None:
    soft = gaussian(PHOTO.astype(float), strength / 10)
    expected = np.clip(PHOTO + (soft - PHOTO) * amount / 100, 0, 255)
    assert far(done(PHOTO, f"blur/{strength}/{amount}"), expected) < 2


def test_invisible_pixels_do_not_bleed() -> None:
    pixels = np.zeros((60, 80, 4), np.uint8)
    pixels[:, :, 1] = 255
    pixels[:, 40:] = (255, 0, 0, 255)
    for path in ("blur/30", "blur/100", "blur/30/60"):
        got = done(pixels, path).astype(int)
        if "/60" not in path:
            visible = got[got[:, :, 3] > 8]
            assert visible[:, 1].max() < 8
        assert (got[:, 0, 3].max(), got[:, 79, 3].min()) == (0, 255)
    sharp = done(see_through(PHOTO), "blur/20/-100")
    assert farthest(sharp[:, :, 3], see_through(PHOTO)[:, :, 3]) == 0


@pytest.mark.parametrize("strength", [10, 60, 200])
def test_a_region_is_blurred_and_nothing_else(strength: int) -> None:
    got = done(PHOTO, f"blur_region/50px40/10,100p/{strength}")
    box = (slice(200, 240), slice(10, 170))
    outside = np.ones(PHOTO.shape[:2], bool)
    outside[box] = False
    assert (got[outside] == PHOTO[outside]).all()
    assert far(got[box], gaussian(PHOTO.astype(float), strength / 10)[box]) < 2  # it lies at the border


@pytest.mark.parametrize("amount", [1, 5, 20])
def test_sharp_is_an_unsharp_mask_of_the_luma(amount: int) -> None:
    light: Floats = (PHOTO.astype(np.float64) @ LUMA)[..., None]
    expected = np.clip(PHOTO + (light - gaussian(light, 1.0)) * amount / 10, 0, 255)
    got = done(PHOTO, f"sharp/{amount}")
    assert far(got, expected) < 0.4
    assert farthest(got, expected) < 6


@pytest.mark.parametrize(
    "path", ["blur/0", "blur/50/0", "sharp/0", "blur_region/10x10/0,0/0", "enhance/0", "contrast/0"]
)
def test_nothing_is_done_for_nothing(path: str) -> None:
    assert farthest(done(PHOTO, path), PHOTO) == 0


def test_the_largest_blur_of_a_small_picture_is_its_mean() -> None:
    tiny: Pixels = PHOTO[:20, :30]
    assert far(done(tiny, "blur/5000"), np.broadcast_to(tiny.mean(axis=(0, 1)), tiny.shape)) < 8
