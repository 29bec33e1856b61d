"""What a word of quality means: one perceptual level, whatever the format.

Levels are scores of SSIMULACRA2 (70 good, 90 not to be told from the original side by side); `CURVE` translates a score
into the number that each encoder takes. Both are measured by `python -m benchmarks.engine.calibrate` over photographs
made by code, with the settings of `adapters/vips/save.py`, and hold for nothing else. Sizes beside normal come out as
the contract says (3.4: better 125 %, best 170 %, lighter 80 %, lightest 50 %): the mean of the three formats exactly,
each within six per cent of it, but for AVIF at best (152 %).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import QualityLevel

#: Score: quality of JPEG, WebP, AVIF.
CURVE: tuple[tuple[int, float, float, float], ...] = (
    (40, 26.2, 20.8, 37.7),
    (45, 29.6, 26.3, 40.8),
    (50, 34.2, 32.4, 44.2),
    (55, 40.2, 40.6, 47.8),
    (60, 48.1, 50.7, 51.6),
    (65, 58.9, 62.6, 55.6),
    (70, 68.4, 74.8, 59.8),
    (75, 76.7, 80.6, 65.6),
    (80, 85.5, 86.4, 74.0),
    (85, 92.4, 92.6, 84.7),
    (90, 95.1, 98.0, 90.7),
)

LEVELS: Mapping[QualityLevel, float] = {
    QualityLevel.LIGHTEST: 57.9,
    QualityLevel.LIGHTER: 71.7,
    QualityLevel.NORMAL: 76.7,
    QualityLevel.BETTER: 80.9,
    QualityLevel.BEST: 85.0,
    # What the renderer aims at for each picture by itself. On screens of twice the density the eye loses half of it.
    QualityLevel.SMART: 76.7,
    QualityLevel.SMART_RETINA: 65.0,
}

#: The levels that are found for each picture, and how far they may go from the mean picture's score.
PER_PICTURE = frozenset({QualityLevel.SMART, QualityLevel.SMART_RETINA})
SMART_RANGE = 12.0

_COLUMNS = {OutputFormat.JPEG: 1, OutputFormat.WEBP: 2, OutputFormat.AVIF: 3}

#: The sums of mozjpeg's quantisation table 3, which our JPEGs use for both kinds of channel, at quality 50.
_TABLE_SUM = 5700


def encoder_quality(output: OutputFormat, score: float) -> int:
    """The encoder's own quality, 1 to 100, at which the mean picture gets this score. Lossy formats only."""
    column = _COLUMNS[output]
    for low, high in pairwise(CURVE):
        if score <= high[0] or high is CURVE[-1]:
            share = (score - low[0]) / (high[0] - low[0])
            return min(max(round(low[column] + share * (high[column] - low[column])), 1), 100)
    raise AssertionError


def jpeg_quality(tables: Sequence[Sequence[int]]) -> int | None:
    """The quality, 1 to 100, at which our own encoder quantises as coarsely as a JPEG with these quantisation tables
    (64 numbers each, luminance first); None without tables.

    libjpeg's scale: a table is multiplied by 50/q below 50 and by (200 - 2q)/100 above. Comparing sums forgives
    encoders that spread the same loss in another way.
    """
    sums = [sum(table) for table in tables[:2] if len(table) == 64]
    if not sums:
        return None
    scale = sum(sums) / len(sums) / _TABLE_SUM
    return min(max(round(100 - 50 * scale if scale <= 1 else 50 / scale), 1), 100)
