"""Media facts: what a file turned out to be, by its content.

Types from clients are claims. What is recorded here comes from reading the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from longshore.core.errors import Invalid, TooLarge

OCTET_STREAM = "application/octet-stream"

#: Raster types that browsers show and that cannot run script: the only ones served inline from originals.
SAFE_INLINE = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
        "image/heic",
        "image/heif",
        "image/tiff",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/webm",
        "audio/mp4",
        "audio/flac",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "video/quicktime",
        "text/plain",
    }
)

#: Types whose facts are read by decoding them, and that transformations accept.
RENDERABLE = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/heic",
        "image/heif",
        "image/tiff",
        "image/bmp",
        "image/svg+xml",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoLocation:
    """Degrees, WGS 84, as the camera wrote them."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What the header of an image says. `width` and `height` are in pixels with the EXIF orientation applied.

    `format` is Pillow's upper-case name (JPEG, PNG, GIF, WEBP, AVIF, HEIF, TIFF, BMP, SVG ...), `color_mode` a Pillow
    mode (RGB, RGBA, L, LA, P, CMYK ...), `orientation` the raw EXIF tag 1-8, `datetime_original` ISO 8601, no zone.
    `frames` counts still images in the file (1 for a still); `sequence` is true when it is an animation. `has_alpha`:
    some pixel is not opaque. `progressive`: a JPEG in several scans or an interlaced PNG.
    """

    format: str
    width: int
    height: int
    color_mode: str
    orientation: int | None = None
    dpi: tuple[int, int] | None = None
    sequence: bool = False
    frames: int = 1
    has_alpha: bool = False
    progressive: bool = False
    geo_location: GeoLocation | None = None
    datetime_original: str | None = None

    @property
    def pixels(self) -> int:
        return self.width * self.height


class BrokenMedia(Invalid):
    """The bytes are not the image (or video, document) they claim to be, or are cut short."""

    code = "broken-media"
    title = "The file is damaged or is not what it claims to be"


class MediaTooLarge(TooLarge):
    """More pixels, frames or side length than this installation decodes."""

    code = "media-too-large"
    title = "The image has more pixels than can be processed"
