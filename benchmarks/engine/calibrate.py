"""Makes the tables of `core/imaging/quality.py`: run `python -m benchmarks.engine.calibrate` and paste what it prints.

For each lossy format the settings of `adapters/vips/save.py` are run over photographs made by code: drawings, text and
screenshots would pull the mean their way, and are mostly sent without loss. From mean SSIMULACRA2 by quality comes the
quality of equal score in each format; from sizes, the scores at which sizes stand to normal's as contract 3.4 says. How
the levels then do on the rest is printed too.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyvips
from PIL import Image

from benchmarks.engine import perception
from longshore.adapters.vips.judge import is_flat
from longshore.adapters.vips.save import save
from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import QualityLevel
from longshore.core.imaging.quality import LEVELS, encoder_quality
from tests import graphics
from tests.corpus import photo_jpeg

GRID: Mapping[OutputFormat, tuple[int, ...]] = {
    OutputFormat.JPEG: (20, 28, 36, 44, 52, 60, 67, 74, 80, 85, 89, 92, 96),
    OutputFormat.WEBP: (10, 22, 34, 46, 58, 66, 74, 80, 85, 89, 93, 96, 98),
    OutputFormat.AVIF: (20, 28, 35, 42, 48, 54, 60, 64, 68, 72, 76, 81, 87, 92),
}
#: Size by level, normal being 1 (contract 3.4).
SIZES = {"lightest": 0.5, "lighter": 0.8, "normal": 1.0, "better": 1.25, "best": 1.7}
ROWS = range(40, 91, 5)
NORMAL = (OutputFormat.JPEG, 80)
"""Where the scale is anchored: what most software takes for granted."""


class Picture(NamedTuple):
    name: str
    pixels: perception.Pixels


class Curve(NamedTuple):
    """By quality of the grid: the score and the logarithm of the size, means over the corpus."""

    quality: np.ndarray
    score: np.ndarray
    size: np.ndarray


def photographs(width: int = 640, height: int = 480, count: int = 6) -> list[Picture]:
    """Photographs as they are delivered: reduced from larger ones."""
    return [Picture(f"photo {seed}", reduced(seed, width, height)) for seed in range(2, 2 + count)]


def graphic(width: int = 640, height: int = 480) -> list[Picture]:
    makers = (graphics.drawing, graphics.text, graphics.screenshot, graphics.gradient)
    return [Picture(make.__name__, make(width, height)) for make in makers]


def reduced(seed: int, width: int, height: int) -> perception.Pixels:
    with Image.open(io.BytesIO(photo_jpeg(1632, 1224, seed))) as large:
        return np.asarray(large.resize((width, height), Image.Resampling.LANCZOS))


def as_vips(pixels: perception.Pixels) -> pyvips.Image:
    height, width, bands = pixels.shape
    image = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, bands, "uchar")
    return image.copy(interpretation="srgb")


def decoded(content: bytes) -> perception.Pixels:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


def curves(pictures: list[Picture]) -> dict[OutputFormat, Curve]:
    found: dict[OutputFormat, Curve] = {}
    for output, grid in GRID.items():
        scores, sizes = np.zeros(len(grid)), np.zeros(len(grid))
        for picture in pictures:
            image, truth = as_vips(picture.pixels), perception.truth(picture.pixels)
            flat = is_flat(image)
            for at, quality in enumerate(grid):
                content = save(image, output, quality, flat=flat)
                scores[at] += perception.score(truth, decoded(content)) / len(pictures)
                sizes[at] += np.log(len(content)) / len(pictures)
        found[output] = Curve(np.array(grid, float), np.maximum.accumulate(scores), sizes)
        print(f"# {output}: " + " ".join(f"{q}:{s:.1f}" for q, s in zip(grid, scores, strict=True)), file=sys.stderr)
    return found


def level_scores(found: Mapping[OutputFormat, Curve]) -> dict[str, float]:
    """The score of each level: where the mean over the formats of size beside normal's is the contract's."""
    output, quality = NORMAL
    normal = float(np.interp(quality, found[output].quality, found[output].score))

    def relative(score: float) -> float:
        logs = [np.interp(score, c.score, c.size) - np.interp(normal, c.score, c.size) for c in found.values()]
        return float(np.exp(np.mean(logs)))

    candidates = np.arange(20, 95, 0.1)
    sizes = np.array([relative(score) for score in candidates])
    return {level: float(candidates[np.abs(sizes - size).argmin()]) for level, size in SIZES.items()}


def main() -> int:
    found = curves(photographs())
    print("#: Score: quality of JPEG, WebP, AVIF.")
    for score in ROWS:
        row = ", ".join(f"{np.interp(score, c.score, c.quality):.1f}" for c in found.values())
        print(f"    ({score}, {row}),")
    levels = level_scores(found)
    for level, score in levels.items():
        sizes = [_size(c, score) / _size(c, levels["normal"]) for c in found.values()]
        print(f"    QualityLevel.{level.upper()}: {score:.1f},  # " + " ".join(f"{size:.2f}" for size in sizes))
    print("# Size beside normal, and score, of each level in the table as it stands:")
    for picture in photographs(count=1) + graphic():
        for output in GRID:
            row = " ".join(f"{size:.2f}/{score:.0f}" for size, score in check(picture, output))
            print(f"#   {picture.name:11s} {output:5s} {row}")
    return 0


def check(picture: Picture, output: OutputFormat) -> list[tuple[float, float]]:
    """By level, from lightest to best: the size beside normal's and the score, by the tables as they stand."""
    image, truth = as_vips(picture.pixels), perception.truth(picture.pixels)
    flat = is_flat(image)
    files = {
        level: save(image, output, encoder_quality(output, LEVELS[QualityLevel(level)]), flat=flat) for level in SIZES
    }
    normal = len(files["normal"])
    return [(len(file) / normal, perception.score(truth, decoded(file))) for file in files.values()]


def _size(curve: Curve, score: float) -> float:
    return float(np.exp(np.interp(score, curve.score, curve.size)))


if __name__ == "__main__":
    sys.exit(main())
