"""Colour profiles: whether pixels go to sRGB, and how. Runs in workers only.

`srgb/fast`, the default: to sRGB by the embedded profile, relative colorimetric, no profile in the answer. `srgb/icc`:
by perceptual intent, and sRGB's own small profile stays in the answer. `srgb/keep_profile`: pixels stay as they are and
so does the profile. A profile larger than `max_icc_size` never stays; the pixels are then converted.
"""

from __future__ import annotations

from typing import Any, cast

import pyvips

from longshore.core.imaging.operations import Profile
from longshore.core.imaging.plan import Decode

_PROFILE = "icc-profile-data"
_SRGB_NAMES = (b"sRGB IEC61966", "sRGB IEC61966".encode("utf-16-be"))


def conversion(image: pyvips.Image, wanted: Decode) -> dict[str, Any]:
    """What to tell `thumbnail` about the colours of a freshly opened picture; nothing when they may stay."""
    if not needs_conversion(image) or is_kept(image, wanted):
        return {}
    return {"output_profile": "srgb", "intent": "perceptual" if wanted.profile is Profile.ICC else "relative"}


def needs_conversion(image: pyvips.Image) -> bool:
    """Whether the embedded profile says anything other than sRGB. (CMYK without a profile is converted anyway.)"""
    if not image.get_typeof(_PROFILE):
        return False
    profile = cast("bytes", image.get(_PROFILE))
    return profile[16:20] != b"RGB " or not any(name in profile for name in _SRGB_NAMES)


def is_kept(image: pyvips.Image, wanted: Decode) -> bool:
    """Whether pixels stay in the colours of their own profile. Only RGB can: the other formats know no CMYK."""
    if wanted.profile is not Profile.KEEP or not image.get_typeof(_PROFILE):
        return False
    profile = cast("bytes", image.get(_PROFILE))
    return profile[16:20] == b"RGB " and len(profile) <= wanted.max_profile
