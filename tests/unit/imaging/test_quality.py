"""Words of quality, and what a JPEG's tables say of it."""

from itertools import pairwise

import pytest

from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import QualityLevel
from longshore.core.imaging.quality import CURVE, LEVELS, encoder_quality, jpeg_quality

#: Annex K of ITU-T T.81, luminance and chrominance: what libjpeg scales.
LUMINANCE = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]  # fmt: skip
CHROMINANCE = [17, 18, 24, 47, 18, 21, 26, 66, 24, 26, 56, 99, 47, 66, 99, 99] + [99] * 48


def scaled(table: list[int], quality: int) -> list[int]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(max((value * scale + 50) // 100, 1), 255) for value in table]


@pytest.mark.parametrize("output", [OutputFormat.JPEG, OutputFormat.WEBP, OutputFormat.AVIF])
def test_a_higher_score_asks_for_a_higher_quality(output: OutputFormat) -> None:
    numbers = [encoder_quality(output, score) for score in range(101)]
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) >= (1, 90)
    assert max(numbers) <= 100


def test_levels_stand_in_the_order_of_their_words() -> None:
    words = (QualityLevel.LIGHTEST, QualityLevel.LIGHTER, QualityLevel.NORMAL, QualityLevel.BETTER, QualityLevel.BEST)
    assert all(LEVELS[one] + 3 < LEVELS[other] for one, other in pairwise(words))
    assert set(LEVELS) == set(QualityLevel)


def test_the_curve_is_monotone_in_every_format() -> None:
    assert all(all(a < b for a, b in zip(one, other, strict=True)) for one, other in pairwise(CURVE))


@pytest.mark.parametrize("quality", [20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality: int) -> None:
    """Annex K's tables are finer by a tenth than ours at the same number."""
    found = jpeg_quality([scaled(LUMINANCE, quality), scaled(CHROMINANCE, quality)])
    assert found is not None
    assert quality <= found <= quality + 10


def test_tables_of_ones_are_the_best_and_none_say_nothing() -> None:
    assert jpeg_quality([[1] * 64]) == 99
    assert jpeg_quality([[255] * 64]) == 17
    assert jpeg_quality([]) is None
    assert jpeg_quality([[1, 2, 3]]) is None
