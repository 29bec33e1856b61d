"""Enlarging, by Pillow. Runs in workers only."""

from __future__ import annotations

from typing import Any, cast

import pyvips
from PIL import Image

from longshore.adapters.vips.encode import plain
from longshore.core.imaging.plan import Scale

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_CARRIED = ("exif-", "xmp-data", "iptc-data", "icc-profile-data", "orientation")


def enlarged(image: pyvips.Image, to: Scale) -> pyvips.Image:
    """`image` at the size `to`, bicubic, alpha premultiplied meanwhile; metadata is carried over."""
    image = plain(image)
    mode = _MODES[image.bands]
    small = Image.frombuffer(mode, (image.width, image.height), image.write_to_memory(), "raw", mode, 0, 1)
    large = small.resize((to.width, to.height), Image.Resampling.BICUBIC)
    result = pyvips.Image.new_from_memory(large.tobytes(), to.width, to.height, image.bands, "uchar")
    result = result.copy(interpretation=image.interpretation)
    for field in image.get_fields():
        if field.startswith(_CARRIED):
            result.set_type(image.get_typeof(field), field, cast("Any", image.get(field)))
    return result
