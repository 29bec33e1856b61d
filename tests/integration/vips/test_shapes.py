"""Sizes, boxes and directions against NumPy and Pillow; and what lies outside the picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests import corpus
from tests.integration.vips.chain import Pixels, done, far, farthest, noise, see_through

PHOTO = corpus.photo(640, 480, 5)[:240, :320]
RED = (255, 0, 0)


def boxed(pixels: Pixels, left: int, top: int, width: int, height: int, fill: tuple[int, ...]) -> Pixels:
    """Independent of any library: a canvas, and every pixel looked up."""
    result = np.empty((height, width, pixels.shape[2]), np.uint8)
    result[:] = fill
    for y in range(height):
        for x in range(width):
            if 0 <= x + left < pixels.shape[1] and 0 <= y + top < pixels.shape[0]:
                result[y, x] = pixels[y + top, x + left]
    return result


@pytest.mark.parametrize(
    ("path", "box"),
    [
        ("crop/20x10", (0, 0, 20, 10)),
        ("crop/20x10/5,7", (5, 7, 20, 10)),
        ("crop/20x10/center", (20, 15, 20, 10)),
        ("crop/20x10/top", (20, 0, 20, 10)),
        ("crop/20x10/right", (40, 15, 20, 10)),
        ("crop/20x10/bottom", (20, 30, 20, 10)),
        ("crop/20x10/left", (0, 15, 20, 10)),
        ("crop/20x10/100p,100p", (40, 30, 20, 10)),
        ("crop/20x10/25p,50p", (10, 15, 20, 10)),
        ("crop/50px25p", (0, 0, 30, 10)),
        ("crop/50px10/100%25,0", (30, 0, 30, 10)),
        ("crop/1:1", (10, 0, 40, 40)),
        ("crop/3:1", (0, 10, 60, 20)),
        ("crop/3:1/top", (0, 0, 60, 20)),
        ("crop/1:4/right", (50, 0, 10, 40)),
        ("crop/20x10/-5,-3", (-5, -3, 20, 10)),
        ("crop/20x10/55,35", (55, 35, 20, 10)),
        ("crop/100x80/center", (-20, -20, 100, 80)),
        ("crop/100x80", (0, 0, 100, 80)),
        ("crop/100x20/100p,100p", (-40, 20, 100, 20)),
        ("crop/20x10/1000,1000", (1000, 1000, 20, 10)),
        ("crop/20x10/-500,0", (-500, 0, 20, 10)),
        ("crop/150px150p/center", (-15, -10, 90, 60)),
    ],
)
def test_a_crop_is_a_box_of_the_picture_in_the_fill_colour(path: str, box: tuple[int, int, int, int]) -> None:
    pixels = noise(60, 40, 3)
    assert farthest(done(pixels, f"setfill/f00/-/{path}"), boxed(pixels, *box, RED)) == 0


def test_outside_the_picture_is_white_unless_something_else_was_said_before() -> None:
    pixels = noise(60, 40, 3)
    assert done(pixels, "crop/70x40")[0, 69].tolist() == [255, 255, 255]
    assert done(pixels, "crop/70x40/-/setfill/000")[0, 69].tolist() == [255, 255, 255]
    assert done(pixels, "setfill/00ff0080/-/crop/70x40")[0, 69].tolist() == [0, 255, 0, 128]
    assert done(pixels[:, :, :1], "crop/70x40")[0, 69].tolist() == [255]
    assert done(pixels[:, :, :1], "setfill/f00/-/crop/70x40")[0, 69].tolist() == [255, 0, 0]
    transparent = done(see_through(pixels), "setfill/f00/-/crop/70x40")
    assert (transparent[0, 69].tolist(), transparent[0, 0, 3]) == ([255, 0, 0, 255], 0)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rotate/90", lambda p: np.rot90(p)),
        ("rotate/180", lambda p: np.rot90(p, 2)),
        ("rotate/270", lambda p: np.rot90(p, 3)),
        ("rotate/-90", lambda p: np.rot90(p, 3)),
        ("rotate/360", lambda p: p),
        ("flip", lambda p: p[::-1]),
        ("mirror", lambda p: p[:, ::-1]),
        ("flip/-/rotate/90", lambda p: np.rot90(p[::-1])),
        ("rotate/90/-/mirror", lambda p: np.rot90(p)[:, ::-1]),
        ("mirror/-/rotate/270/-/flip", lambda p: np.rot90(p[:, ::-1], 3)[::-1]),
        ("rotate/90/-/crop/10x20/3,4", lambda p: np.rot90(p)[4:24, 3:13]),
        ("mirror/-/rotate/90/-/crop/10x20/3,4/-/flip", lambda p: np.rot90(p[:, ::-1])[4:24, 3:13][::-1]),
        ("rotate/270/-/invert/-/crop/10x20/3,4", lambda p: 255 - np.rot90(p, 3)[4:24, 3:13]),
    ],
)
def test_turning_is_counter_clockwise_and_exact(path: str, expected) -> None:
    for pixels in (noise(60, 40, 3), noise(60, 40, 1), noise(60, 40, 4)):
        wanted = expected(pixels)
        if "invert" in path and pixels.shape[2] == 4:
            continue
        assert farthest(done(pixels, path), wanted) == 0
        assert farthest(done(pixels, path, folded=False), wanted) == 0


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("scale_crop/100x100/center", (133, 100)),
        ("scale_crop/200x50/center", (200, 150)),
        ("scale_crop/100x100", (133, 100)),
        ("scale_crop/100x100/100p,0", (133, 100)),
        ("scale_crop/640x480/center", (640, 480)),
    ],
)
def test_scale_crop_covers_the_box(path: str, size: tuple[int, int]) -> None:
    kernel = Image.Resampling.BICUBIC if size[0] > 320 else Image.Resampling.LANCZOS
    covering = np.asarray(Image.fromarray(PHOTO).resize(size, kernel))
    got = done(PHOTO, path)
    height, width = got.shape[:2]
    share = 1.0 if path.endswith("100p,0") else 0.5 if path.endswith("center") else 0.0
    left, top = int((size[0] - width) * share + 0.5), int((size[1] - height) * (share if share != 1 else 0) + 0.5)
    assert far(got, covering[top : top + height, left : left + width]) < 2.5


@pytest.mark.parametrize(
    ("path", "shape", "empty"),
    [
        ("stretch/on/-/resize/400x400", (400, 400), None),
        ("stretch/off/-/resize/400x100", (320, 100), None),
        ("stretch/off/-/resize/400x", (320, 240), None),
        ("stretch/off/-/resize/x100", (133, 100), None),
        ("stretch/fill/-/resize/400x300", (400, 300), (40, 30, 320, 240)),
        ("stretch/fill/-/resize/400x100", (400, 100), (40, 0, 320, 100)),
        ("stretch/fill/-/resize/400x", (400, 240), (40, 0, 320, 240)),
        ("stretch/off/-/scale_crop/400x100/center", (320, 100), None),
        ("stretch/off/-/scale_crop/400x400/center", (320, 240), None),
        ("stretch/fill/-/scale_crop/400x300/center", (400, 300), (40, 30, 320, 240)),
        ("stretch/fill/-/scale_crop/400x100/center", (400, 100), (40, 0, 320, 100)),
        ("stretch/off/-/preview/100x100/-/resize/200x", (100, 75), None),
        ("stretch/off/-/resize/400x/-/resize/400x", (400, 300), None),
    ],
)
def test_stretch_is_said_for_the_next_scaling(
    path: str, shape: tuple[int, int], empty: tuple[int, int, int, int] | None
) -> None:
    got = done(PHOTO, f"setfill/f00/-/{path}")
    assert (got.shape[1], got.shape[0]) == shape
    if empty is not None:
        left, top, width, height = empty
        inside = np.zeros(got.shape[:2], bool)
        inside[top : top + height, left : left + width] = True
        assert (got[~inside] == RED).all()
        assert not (got[inside] == RED).all(axis=1).any()


@pytest.mark.parametrize("bands", [1, 3, 4])
@pytest.mark.parametrize(("tolerance", "padding"), [(10, 0), (0, 3), (10, 500)])
def test_trim_cuts_off_the_border(bands: int, tolerance: int, padding: int) -> None:
    pixels = np.full((50, 70, bands), 200, np.uint8)
    pixels[:, ::2] -= min(tolerance, 5)  # an uneven border, within the tolerance
    pixels[12:31, 20:45] = 60
    top, bottom = max(0, 12 - padding), min(50, 31 + padding)
    left, right = max(0, 20 - padding), min(70, 45 + padding)
    assert farthest(trimmed(pixels, tolerance, padding), pixels[top:bottom, left:right]) == 0


def trimmed(pixels: Pixels, tolerance: int, padding: int) -> Pixels:
    from longshore.adapters.vips.apply import applied
    from longshore.core.imaging.operations import StretchMode
    from longshore.core.imaging.operations.values import WHITE
    from longshore.core.imaging.steps import Trim
    from tests.integration.vips.chain import NOTHING, image_of, pixels_of

    step = Trim(tolerance=tolerance, padding=padding, rest="-/rotate/0/", fill=WHITE, stretch=StretchMode.ON, side=5000)
    return pixels_of(applied(image_of(pixels), (step,), NOTHING)[0])


def test_trim_leaves_a_picture_of_one_colour() -> None:
    pixels = np.full((5, 9, 3), 7, np.uint8)
    assert trimmed(pixels, 0, 0).shape == pixels.shape


def test_trim_takes_all_invisible_pixels_for_one() -> None:
    pixels = noise(40, 30, 4)
    pixels[:, :, 3] = 0
    pixels[10:20, 10:25] = 255
    assert trimmed(pixels, 0, 0).shape == (10, 15, 4)


@pytest.mark.parametrize(
    ("path", "radii"),
    [
        ("border_radius/50p", [(50, 30)] * 4),
        ("border_radius/20", [(20, 20)] * 4),
        ("border_radius/10,20,30,0", [(10, 10), (20, 20), (30, 30), (0, 0)]),
        ("border_radius/10/20", [(10, 20)] * 4),
        ("border_radius/5000", [(30, 30)] * 4),  # shrunk together, as CSS has it: min(100 / 2r, 60 / 2r) = 30 / r
    ],
)
def test_corners_are_round_as_in_css(path: str, radii: list[tuple[float, float]]) -> None:
    pixels = noise(100, 60, 3)
    got = done(pixels, path)
    assert farthest(got[:, :, :3], pixels) == 0
    # Independent: 8 x 8 samples of each pixel, inside unless beyond one of the ellipses.
    y, x = (np.mgrid[0:480, 0:800] + 0.5) / 8
    inside = np.ones(x.shape, bool)
    for (across, down), right, bottom in zip(radii, (0, 1, 1, 0), (0, 0, 1, 1), strict=True):
        if not across or not down:
            continue
        u = (x - (100 - across)) / across if right else (across - x) / across
        v = (y - (60 - down)) / down if bottom else (down - y) / down
        inside &= ~((u > 0) & (v > 0) & (u * u + v * v > 1))
    coverage = inside.reshape(60, 8, 100, 8).mean(axis=(1, 3)) * 255
    assert farthest(got[:, :, 3], coverage) < 26  # cairo draws curves to a tenth of a pixel
    assert far(got[:, :, 3], coverage) < 0.5


def test_round_corners_keep_what_was_transparent() -> None:
    pixels = see_through(noise(100, 60, 3))
    got = done(pixels, "border_radius/20")
    assert farthest(got[30, :, 3], pixels[30, :, 3]) == 0
    assert got[0, 99, 3] < 10


# -- on top ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "box"),
    [
        ("rect/0f0/20x10/5,7", (5, 7, 25, 17)),
        ("rect/0f0/50px50p/center", (15, 10, 45, 30)),
        ("rect/0f0/50px33p/100p,100p", (30, 27, 60, 40)),
        ("rect/0f0/500x500/-10,5", (0, 5, 60, 40)),
        ("rect/0f0/5x5/100,100", (0, 0, 0, 0)),
    ],
)
def test_a_rectangle_is_what_pillow_draws(path: str, box: tuple[int, int, int, int]) -> None:
    pixels = noise(60, 40, 3)
    expected = Image.fromarray(pixels)
    if box[2]:
        ImageDraw.Draw(expected).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), (0, 255, 0))
    assert farthest(done(pixels, path), np.asarray(expected)) == 0


def test_a_rectangle_may_be_seen_through() -> None:
    pixels = noise(60, 40, 3)
    expected = pixels * (1 - 64 / 255) + np.array([0, 255, 0]) * 64 / 255
    assert farthest(done(pixels, "rect/00ff0040/100px100p/0,0"), expected) <= 0.51
    below = see_through(pixels)
    layer = Image.new("RGBA", (60, 40), (0, 255, 0, 64))
    over = np.asarray(Image.alpha_composite(Image.fromarray(below, "RGBA"), layer))
    got = done(below, "rect/00ff0040/100px100p/0,0")
    assert farthest(got, over) <= 2
