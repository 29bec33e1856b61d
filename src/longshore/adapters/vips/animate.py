"""Animations: frames in, frames out, with their delays and their loop. Runs in workers only.

libvips knows animations as one high strip. Every step is done frame by frame, as on a still: filters then never mix the
last rows of a frame with the first of the next, and operations need not know of frames at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pyvips

from longshore.adapters.vips import colour, decode
from longshore.core.imaging.plan import Decode
from longshore.core.media import BrokenMedia

_CARRIED = ("delay", "loop", "background")


def by_frame(source: int, wanted: Decode, work: Callable[[pyvips.Image], pyvips.Image]) -> pyvips.Image:
    """The animation behind a descriptor after `work` on each of its frames; all must come out with one size.

    One frame of the source and all of the results are in memory. Raises BrokenMedia, or what the decoder raises.
    """
    strip = decode.open_vips(source, n=wanted.frames)
    size = (strip.width, strip.get_page_height(), strip.get_n_pages())
    if size != (wanted.width, wanted.height, wanted.frames):
        raise BrokenMedia("The file is not the image it was when it was inspected")
    conversion = colour.conversion(strip, wanted)
    made: list[pyvips.Image] = []
    for number in range(wanted.frames):
        frame = strip.crop(0, number * wanted.height, wanted.width, wanted.height)
        if conversion:
            frame = frame.icc_transform("srgb", intent=conversion["intent"], embedded=True)
        made.append(work(frame.copy_memory()).copy_memory())
    return joined(made, strip)


def joined(frames: list[pyvips.Image], like: pyvips.Image) -> pyvips.Image:
    """One strip of `frames`, with delays and loop of `like`."""
    bands = max(frame.bands for frame in frames)
    even = [frame if frame.bands == bands else frame.addalpha() for frame in frames]
    strip = pyvips.Image.arrayjoin(even, across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    for field in _CARRIED:
        if like.get_typeof(field):
            strip.set_type(like.get_typeof(field), field, cast("Any", like.get(field)))
    return strip
