"""Encoders side by side: bytes and milliseconds at equal SSIMULACRA2. Run `python -m benchmarks.engine.encoders`.

Every row of a picture is measured in rounds, one after another, so that ratios are those of one moment. Processor time
of this process, one thread. Exits with 1 when a promise of issue 3 is broken.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("VIPS_CONCURRENCY", "1")

import numpy as np
import pyvips

from benchmarks.engine import perception
from benchmarks.engine.calibrate import Picture, as_vips, decoded, graphic, photographs
from longshore.adapters.vips.encode import encode
from longshore.adapters.vips.save import save
from longshore.core.imaging.encoding import Encode
from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import QualityLevel
from longshore.core.imaging.quality import LEVELS, encoder_quality
from tests.corpus import photo_jpeg

Saver = Callable[[pyvips.Image, int], bytes]

JPEG, PNG, WEBP, AVIF = OutputFormat.JPEG, OutputFormat.PNG, OutputFormat.WEBP, OutputFormat.AVIF


def _jpeg(**options: Any) -> Saver:
    return lambda image, quality: image.jpegsave_buffer(
        Q=quality, keep=0, optimize_coding=True, subsample_mode="on", **options
    )


def _avif(effort: int) -> Saver:
    return lambda image, quality: image.heifsave_buffer(Q=quality, keep=0, compression="av1", effort=effort)


_FULL = {"trellis_quant": True, "overshoot_deringing": True, "optimize_scans": True}
#: Ours first, then what else there is; the qualities that surround a score of 77.
ROWS: Mapping[str, tuple[Saver, tuple[int, int]]] = {
    "our JPEG": (lambda image, quality: save(image, JPEG, quality), (74, 84)),
    "our WebP, effort 2": (lambda image, quality: save(image, WEBP, quality), (78, 86)),
    "our AVIF, effort 0": (lambda image, quality: save(image, AVIF, quality), (63, 72)),
    "JPEG, tables of Annex K": (_jpeg(), (74, 84)),
    "JPEG, our tables, progressive": (_jpeg(quant_table=3, interlace=True), (74, 84)),
    "JPEG, our tables, trellis": (_jpeg(quant_table=3, trellis_quant=True), (76, 86)),
    "JPEG, all of mozjpeg": (_jpeg(quant_table=3, interlace=True, **_FULL), (76, 86)),
    "WebP, effort 4": (lambda image, quality: image.webpsave_buffer(Q=quality, keep=0, effort=4), (78, 86)),
    "AVIF, effort 1": (_avif(1), (60, 70)),
    "AVIF, effort 4: libvips' and sharp's": (_avif(4), (58, 68)),
}
_SLOW = 2  # rounds; AVIF at effort 4 takes seconds
_ROUNDS = 7


def _at_equal_quality(pictures: list[Picture]) -> dict[str, tuple[float, float]]:
    """By row: mean bytes at the score of `normal`, and the median of milliseconds, means over the pictures."""
    score = LEVELS[QualityLevel.NORMAL]
    found = dict.fromkeys(ROWS, (0.0, 0.0))
    for picture in pictures:
        image, truth = as_vips(picture.pixels), perception.truth(picture.pixels)
        took: dict[str, list[float]] = {name: [] for name in ROWS}
        for number in range(_ROUNDS):
            for name, (saver, (low, high)) in ROWS.items():
                if number < _SLOW or "effort 4: " not in name:
                    began = time.process_time()
                    saver(image, (low + high) // 2)
                    took[name].append((time.process_time() - began) * 1e3)
        for name, (saver, qualities) in ROWS.items():
            files = [saver(image, quality) for quality in qualities]
            scores = [perception.score(truth, decoded(file)) for file in files]
            slope = (np.log(len(files[1])) - np.log(len(files[0]))) / (scores[1] - scores[0])
            size = float(np.exp(np.log(len(files[0])) + slope * (score - scores[0])))
            sizes, times = found[name]
            found[name] = (sizes + size / len(pictures), times + statistics.median(took[name]) / len(pictures))
    return found


def _smart(pictures: list[Picture]) -> None:
    """Whether `smart` brings pictures closer to one level than one number for all does."""
    print("\nsmart beside normal: scores (mean, lowest, highest) and bytes, on sharp, soft, dim and noisy photographs")
    for output in (JPEG, WEBP, AVIF):
        for level in (QualityLevel.NORMAL, QualityLevel.SMART):
            scores: list[float] = []
            total = 0
            for picture in pictures:
                made = encode(as_vips(picture.pixels), Encode(format=output, quality=level))
                scores.append(perception.score(perception.truth(picture.pixels), decoded(made.content)))
                total += len(made.content)
            spread = f"{min(scores):5.1f} {max(scores):5.1f} ± {statistics.pstdev(scores):4.1f}"
            print(f"  {output.value:5s} {level.value:7s} {statistics.mean(scores):5.1f} {spread}   {total >> 10:5d} KB")


def _decoding() -> float:
    """Milliseconds from a 12-megapixel JPEG to the pixels that are encoded."""
    content = photo_jpeg(4000, 3000, 1)
    took: list[float] = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        pyvips.Image.thumbnail_buffer(content, 800, height=600).copy_memory()
        took.append((time.process_time() - began) * 1e3)
    return statistics.median(took)


def varied(pictures: list[Picture]) -> list[Picture]:
    """Each photograph as it is, out of focus, in fog, and with the noise of a dark room."""
    noise = np.random.default_rng(3)
    made: list[Picture] = []
    for name, pixels in pictures:
        soft = as_vips(pixels).resize(0.3).resize(1 / 0.3)
        soft = soft.crop(0, 0, min(soft.width, pixels.shape[1]), min(soft.height, pixels.shape[0]))
        made += [
            Picture(name, pixels),
            Picture(f"{name}, soft", np.ascontiguousarray(soft.numpy())),
            Picture(f"{name}, dim", (pixels * 0.35 + 90).astype(np.uint8)),
            Picture(f"{name}, noisy", np.clip(pixels + noise.normal(0, 10, pixels.shape), 0, 255).astype(np.uint8)),
        ]
    return made


def _choice() -> None:
    print("\nflat pictures: what is sent, beside every format at the level of normal (bytes)")
    classes = {"other": Encode(format=JPEG, others=(PNG,)), "webp": Encode(format=WEBP),
               "avif": Encode(format=AVIF, others=(WEBP,))}  # fmt: skip
    for name, pixels in graphic():
        image = as_vips(pixels)
        lossy = [
            len(save(image, o, encoder_quality(o, LEVELS[QualityLevel.NORMAL]), flat=True)) for o in (JPEG, WEBP, AVIF)
        ]
        sent = {accept: encode(image, how) for accept, how in classes.items()}
        row = "  ".join(f"{accept} {made.format.value} {len(made.content)}" for accept, made in sent.items())
        print(f"  {name:11s} jpeg {lossy[0]:6d}  webp {lossy[1]:6d}  avif {lossy[2]:6d}   sent to  {row}")


def main() -> int:
    pictures = photographs(800, 600, count=3)
    found = _at_equal_quality(pictures)
    size, took = found["our WebP, effort 2"]
    print(f"800x600 photographs at SSIMULACRA2 {LEVELS[QualityLevel.NORMAL]}: KB, ms; beside our WebP")
    for name, (bytes_, ms) in found.items():
        print(f"  {name:38s} {bytes_ / 1024:7.1f} {ms:8.1f}   {bytes_ / size:5.2f} {ms / took:7.2f}")
    _smart(varied(photographs(480, 360, count=2)))
    _choice()
    avif, slow = found["our AVIF, effort 0"], found["AVIF, effort 4: libvips' and sharp's"]
    decoding = _decoding()
    whole = (avif[1] + decoding) / (took + decoding)
    print(f"\n12 megapixels to 800x600: {decoding:.1f} ms; AVIF beside WebP, encoding alone: {avif[1] / took:.2f}")
    promises = {
        f"first AVIF of 12 megapixels at most 1.2 x our WebP's time: {whole:.2f}": whole <= 1.2,
        f"AVIF fewer bytes than WebP: {avif[0] / size:.2f}": avif[0] < size,
        f"AVIF at least 10 x faster than at effort 4: {slow[1] / avif[1]:.1f}": slow[1] >= 10 * avif[1],
    }
    print()
    for promise, is_kept in promises.items():
        print(f"{promise}   {'yes' if is_kept else 'NO'}")
    return 0 if all(promises.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
