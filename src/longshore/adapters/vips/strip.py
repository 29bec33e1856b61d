"""What a finished picture carries beside its pixels: metadata and colour profile. Runs in workers only.

The orientation is in the pixels by now (or `autorotate/no` left it to the tag, which then stays unless all is removed).
"""

from __future__ import annotations

from typing import cast

import pyvips
from pyvips.enums import ForeignKeep

from longshore.core.imaging.encoding import Encode
from longshore.core.imaging.operations import Metadata, Profile

#: What tells on people: the place (ifd3), a thumbnail that may show what was cropped away (ifd1), serial numbers, names
#: of owners, and free text of makers and users, where all of this is found again.
_SENSITIVE_PREFIXES = ("exif-ifd1-", "exif-ifd3-")
_SENSITIVE_ENDINGS = (
    "SerialNumber", "-MakerNote", "-CameraOwnerName", "-OwnerName", "-UserComment", "-ImageUniqueID", "-HostComputer",
    "-XPComment",
)  # fmt: skip
#: Blocks that hold the same again, unsorted.
_OPAQUE = ("xmp-data", "iptc-data", "photoshop-data", "jpeg-thumbnail-data", "heif-thumbnail", "gainmap-data")
_COMMENTS = ("jpeg-comment-", "png-comment-", "gif-comment", "gif-comments")
#: What shows the picture as it was before the operations.
_OUTDATED = ("exif-ifd1-", "jpeg-thumbnail", "heif-thumbnail", "gainmap")
_PROFILE = "icc-profile-data"


def stripped(image: pyvips.Image, how: Encode) -> tuple[pyvips.Image, int]:
    """`image` with the metadata that may stay, and which kinds of it the encoder shall write (`ForeignKeep`)."""
    image = image.copy()
    keep = ForeignKeep.NONE
    match how.strip:
        case Metadata.ALL:
            pass
        case Metadata.SENSITIVE:
            keep = ForeignKeep.EXIF
            for field in image.get_fields():
                if _is_sensitive(field):
                    image.remove(field)
        case Metadata.NONE:
            keep = ForeignKeep.ALL & ~(ForeignKeep.ICC | ForeignKeep.GAINMAP)
            for field in image.get_fields():
                if field.startswith(_OUTDATED):
                    image.remove(field)
    if image.get_typeof(_PROFILE):
        # It says what the pixels are by now. sRGB needs no saying, unless the URL wants something to stay.
        is_wanted = how.profile is not Profile.FAST or how.strip is not Metadata.ALL
        if is_wanted and len(cast("bytes", image.get(_PROFILE))) <= how.max_profile:
            keep |= ForeignKeep.ICC
        else:
            image.remove(_PROFILE)
    return image, keep


def _is_sensitive(field: str) -> bool:
    return (
        field.startswith((*_SENSITIVE_PREFIXES, *_COMMENTS)) or field.endswith(_SENSITIVE_ENDINGS) or field in _OPAQUE
    )
