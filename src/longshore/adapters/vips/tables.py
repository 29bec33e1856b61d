"""How good a JPEG source was, by its quantisation tables. Runs in workers only."""

from __future__ import annotations

from typing import cast

import pyvips

from longshore.adapters.vips import decode
from longshore.adapters.vips.sniff import Kind
from longshore.core.imaging.plan import Decode
from longshore.core.imaging.quality import jpeg_quality


def source_quality(source: int, wanted: Decode, result: pyvips.Image) -> int | None:
    """What a JPEG made of the JPEG behind a descriptor need not exceed; None for other sources.

    None too where the result has at most a quarter of the source's pixels: what the source lost is gone with its
    pixels, and the quality that was asked for is the one that counts.
    """
    if wanted.format != Kind.JPEG or 4 * result.width * result.height <= wanted.width * wanted.height:
        return None
    try:
        with decode.open_pillow(Kind.JPEG, source) as picture:
            tables = cast("dict[int, list[int]]", getattr(picture, "quantization", {}))
            return jpeg_quality([tables[number] for number in sorted(tables)])
    except decode.DAMAGED:
        return None
