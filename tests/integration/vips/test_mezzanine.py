"""What comes out of the mezzanine is what comes out of the photograph: the same size, upright, the same colours.

Tolerance: 2 levels on average over all pixels and channels of an 700-pixel JPEG of quality `best` of a noisy
photograph, and half a level in the mean of each channel, which would tell a wrong profile or orientation.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from longshore.adapters.vips import VipsPool, VipsSettings
from longshore.core.imaging.grammar import parse
from longshore.core.imaging.limits import DEFAULT_LIMITS
from longshore.core.imaging.mezzanine import mezzanine_plan, through_mezzanine
from longshore.core.imaging.negotiate import Choice, OutputFormat
from longshore.core.imaging.plan import Plan, make_plan
from tests import corpus

_WIDTH, _HEIGHT = 2800, 2100


def upright() -> bytes:
    return corpus.photo_jpeg(_WIDTH, _HEIGHT, 4)


def turned() -> bytes:
    return corpus.photo_jpeg(_WIDTH, _HEIGHT, 4, exif=corpus.exif(orientation=6))


def wide() -> bytes:
    """In Display P3, whose numbers mean other colours than sRGB's."""
    pixels = corpus.photo(_WIDTH, _HEIGHT, 4)
    image = pyvips.Image.new_from_memory(pixels.tobytes(), _WIDTH, _HEIGHT, 3, "uchar").copy(interpretation="srgb")
    return image.icc_transform("p3", input_profile="srgb").jpegsave_buffer(Q=92)


def cmyk() -> bytes:
    out = io.BytesIO()
    Image.fromarray(corpus.photo(_WIDTH, _HEIGHT, 4)).convert("CMYK").save(out, "JPEG", quality=92)
    return out.getvalue()


async def rendered(pool: VipsPool, plan: Plan, source: Path, target: Path) -> Path:
    with source.open("rb") as file, target.open("wb") as result:
        await pool.render(plan, file.fileno(), result.fileno())
    return target


@pytest.mark.parametrize("make", [upright, turned, wide, cmyk])
async def test_results_are_equal_within_the_tolerance(make: Callable[[], bytes], tmp_path: Path) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(make())
    operations = parse("-/resize/700x/-/quality/best/").operations
    async with VipsPool(VipsSettings(workers=1)) as pool:
        with source.open("rb") as file:
            facts = await pool.inspect(file.fileno())
        plan = make_plan(operations, facts, Choice(format=OutputFormat.JPEG, varies=False))
        smaller, reduced = mezzanine_plan(facts, DEFAULT_LIMITS), through_mezzanine(plan, facts)
        assert smaller is not None
        assert reduced is not None
        mezzanine = await rendered(pool, smaller, source, tmp_path / "mezzanine")
        from_it = await rendered(pool, reduced, mezzanine, tmp_path / "from-it")
        straight = await rendered(pool, plan, source, tmp_path / "straight")

    one, other = (np.asarray(Image.open(path).convert("RGB"), np.float32) for path in (from_it, straight))
    assert one.shape == other.shape
    assert np.abs(one - other).mean() < 2
    assert np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))).max() < 0.5
