"""Animated GIF and WebP: every frame, its delay and the loop, in and out."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageSequence

from longshore.core.imaging.grammar import BadOperation, parse
from longshore.core.imaging.limits import ImageLimits
from longshore.core.imaging.negotiate import AcceptClass, choose
from longshore.core.imaging.plan import make_plan
from longshore.core.media import ImageFacts
from tests import corpus
from tests.integration.vips.studio import Studio, far, pixels, saved

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELAYS = [40, 250, 100, 70]


def animated(format: str, **options: object) -> bytes:  # noqa: A002 - Pillow's own word
    """Four frames: a grey ground, each with a square of another colour in another corner."""
    frames: list[Image.Image] = []
    for number, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))):
        frame = Image.new("RGB", (80, 60), (120, 120, 120))
        frame.paste(colour, (number % 2 * 40, number // 2 * 30, number % 2 * 40 + 40, number // 2 * 30 + 30))
        frames.append(frame)
    return saved(frames[0], format, save_all=True, append_images=frames[1:], duration=DELAYS, loop=3, **options)


GIF, WEBP = animated("GIF"), animated("WEBP", lossless=True)


def frames_of(content: bytes) -> list[np.ndarray]:
    return [pixels(frame) for frame in ImageSequence.Iterator(Image.open(io.BytesIO(content)))]


def plays(content: bytes) -> int:
    """How often it is shown. A GIF says how often it is repeated."""
    image = Image.open(io.BytesIO(content))
    return image.info["loop"] + (image.format == "GIF")


def delays(content: bytes) -> list[int]:
    image = Image.open(io.BytesIO(content))
    found: list[int] = []
    for frame in ImageSequence.Iterator(image):
        frame.load()
        found.append(frame.info["duration"])
    return found


@pytest.mark.parametrize("source", [GIF, WEBP], ids=["gif", "webp"])
@pytest.mark.parametrize(
    ("path", "accept", "format_"),
    [
        ("-/preview/", AcceptClass.WEBP, "WEBP"),
        ("-/preview/", AcceptClass.AVIF, "WEBP"),
        ("-/preview/", AcceptClass.OTHER, "GIF"),
        ("-/format/webp/", AcceptClass.OTHER, "WEBP"),
    ],
)
async def test_frames_delays_and_loop_are_kept(
    studio: Studio, source: bytes, path: str, accept: AcceptClass, format_: str
) -> None:
    rendered, content = await studio.made(source, path, accept)
    image = Image.open(io.BytesIO(content))
    assert (image.format, getattr(image, "n_frames", 1), image.size) == (format_, 4, (80, 60))
    assert rendered.content_type == f"image/{format_.lower()}"
    assert plays(content) == plays(source)
    assert delays(content) == DELAYS
    for got, truth in zip(frames_of(content), frames_of(source), strict=True):
        assert far(got, truth) < 6


@pytest.mark.parametrize(
    ("path", "box", "size"),
    [
        ("-/preview/40x40/", (0, 0, 80, 60), (40, 30)),
        ("-/resize/40x/", (0, 0, 80, 60), (40, 30)),
        ("-/resize/160x120/", (0, 0, 80, 60), (160, 120)),
        ("-/crop/60x40/12,8/", (12, 8, 72, 48), (60, 40)),
        ("-/scale_crop/30x30/center/", (10, 0, 70, 60), (30, 30)),
    ],
)
async def test_geometry_acts_on_each_frame_alone(
    studio: Studio, path: str, box: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    """Frames lie above each other in the engine: nothing of a neighbour may show at an edge."""
    _, content = await studio.made(GIF, f"{path}-/quality/best/", AcceptClass.WEBP)
    truths = [Image.fromarray(frame.astype(np.uint8)).crop(box).resize(size) for frame in frames_of(GIF)]
    got = frames_of(content)
    assert len(got) == 4
    for frame, truth in zip(got, truths, strict=True):
        assert far(frame, pixels(truth)) < 8
        assert far(frame[0], pixels(truth)[0]) < 12
        assert far(frame[-1], pixels(truth)[-1]) < 12


@pytest.mark.parametrize(("path", "format_"), [("jpeg", "JPEG"), ("png", "PNG"), ("avif", "AVIF"), ("preserve", "PNG")])
async def test_what_cannot_move_shows_the_first_frame(studio: Studio, path: str, format_: str) -> None:
    got = await studio.picture(GIF, f"-/format/{path}/")
    assert (got.format, getattr(got, "n_frames", 1)) == (format_, 1)
    assert far(pixels(got), frames_of(GIF)[0]) < 6


async def test_transparent_frames_stay_transparent(studio: Studio) -> None:
    frames = [Image.new("RGBA", (40, 40), (0, 0, 0, 0)) for _ in range(2)]
    frames[1].paste((255, 0, 0, 255), (0, 0, 20, 20))
    source = saved(frames[0], "WEBP", save_all=True, append_images=[frames[1]], duration=100, lossless=True)
    for accept in (AcceptClass.WEBP, AcceptClass.OTHER):
        _, content = await studio.made(source, "-/preview/20x20/", accept)
        alphas = [
            np.asarray(f.convert("RGBA"))[..., 3] for f in ImageSequence.Iterator(Image.open(io.BytesIO(content)))
        ]
        assert (alphas[0].max(), alphas[1][2, 2], alphas[1][-2, -2]) == (0, 255, 0)


async def test_a_long_animation_is_work_for_the_heavy_queue(studio: Studio) -> None:
    facts = replace(await studio.facts(corpus.gif_animated(300, 200, 1, frames=3)), frames=200)
    operations = parse("-/preview/").operations
    assert make_plan(operations, facts, choose(operations, AcceptClass.WEBP, facts)).is_heavy
    still = parse("-/format/jpeg/").operations
    assert not make_plan(still, facts, choose(still, AcceptClass.WEBP, facts)).is_heavy


async def test_an_animation_that_would_come_out_too_large_is_a_clear_error() -> None:
    facts = ImageFacts(format="GIF", width=400, height=300, color_mode="P", sequence=True, frames=50)
    operations = parse("-/resize/2000x/").operations
    choice = choose(operations, AcceptClass.WEBP, facts)
    with pytest.raises(BadOperation, match="50 frames of 2000x1500"):
        make_plan(operations, facts, choice, ImageLimits())
