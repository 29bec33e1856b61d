"""The bare pyvips calls, in a warm process of their own: a line in says what to do, a line out how long it took.

The process of a benchmark must not load codecs itself: its memory and threads would no longer be the front's.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"
import pyvips

from longshore.core.imaging.negotiate import OutputFormat
from longshore.core.imaging.operations import QualityLevel
from longshore.core.imaging.quality import LEVELS, encoder_quality

pyvips.cache_set_max(0)

#: What `normal` means to the engine, so that equal files come out.
QUALITY = {fmt: encoder_quality(OutputFormat(fmt), LEVELS[QualityLevel.NORMAL]) for fmt in ("jpeg", "webp", "avif")}


def thumbnail(source: str, target: str, fmt: str) -> None:
    image = pyvips.Image.thumbnail(source, 800, height=600, size="down", fail_on="error")
    if fmt == "jpeg":
        content = image.jpegsave_buffer(
            Q=QUALITY[fmt], optimize_coding=True, quant_table=3, subsample_mode="on", keep=0
        )
    elif fmt == "webp":
        content = image.webpsave_buffer(Q=QUALITY[fmt], effort=2, keep=0)
    else:
        content = image.heifsave_buffer(compression="av1", Q=QUALITY[fmt], effort=0, keep=0)
    Path(target).write_bytes(content)


def keep_going(seconds: float, source: str, target: str, fmt: str) -> float:
    """Thumbnails a second, after one that does not count."""
    thumbnail(source, target, fmt)
    began, made = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        thumbnail(source, target, fmt)
        made += 1
    return made / (time.perf_counter() - began)


def main() -> None:
    if sys.argv[1:2] == ["--for"]:
        print(keep_going(float(sys.argv[2]), *sys.argv[3:]))
        return
    for line in sys.stdin:
        source, target, fmt, times = line.split()
        began = time.perf_counter()
        for _ in range(int(times)):
            if fmt == "inspect":
                pyvips.Image.new_from_file(source, access="sequential", shrink=8, fail_on="error").avg()
            else:
                thumbnail(source, target, fmt)
        print((time.perf_counter() - began) / int(times), flush=True)


if __name__ == "__main__":
    main()
