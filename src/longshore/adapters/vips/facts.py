"""What an image is, and whether it decodes. Runs in workers only.

Metadata comes from Pillow, whose names the contract uses (1.7); sizes and orientation come from the library that
will make the pixels, so that both always agree.

Damage is found by decoding. libvips is told to fail on errors: for JPEG that includes running out of bytes before the
end-of-image marker, which it notices at 1/8 scale too, because every coefficient has to be read at any scale. It is not
told to fail on warnings: PNGs with a slightly wrong sRGB profile are many, and are shown by everyone.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from datetime import datetime
from typing import cast

import pyvips
from PIL import ExifTags, Image, ImageFile

from longshore.adapters.vips import decode
from longshore.adapters.vips.sniff import Kind
from longshore.core.imaging.limits import ImageLimits, check_input
from longshore.core.media import GeoLocation, ImageFacts

_JPEG_SHRINK = 8
_CSS_DPI, _NO_DPI = 96.0, 72.0  # an inch of a drawing is 96 pixels (CSS Values 4, 6.2); libvips scales by dpi/72
_SVG_PROBE = 256  # pixels of the largest side at which a drawing is tried
_PROGRESSIVE = {Kind.JPEG: "progressive", Kind.PNG: "interlace"}  # where Pillow says so
_CONTRACT_MODES = frozenset({"RGB", "RGBA", "RGBa", "RGBX", "L", "LA", "La", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB"})


def inspect(source: int, limits: ImageLimits) -> ImageFacts:
    """The facts of the image behind a descriptor. Raises Unsupported, MediaTooLarge, or what the decoders raise."""
    kind = decode.kind_of(source)
    if kind is Kind.SVG:
        return _inspect_svg(source, limits)
    if kind is Kind.WEBP:
        # Pillow allocates a WebP's whole canvas to read its header.
        image = decode.open_vips(source)
        facts = _with_metadata(_vips_header(image, kind, "RGBA" if image.hasalpha() else "RGB"), _exif_of(image))
    else:
        with decode.open_pillow(kind, source) as picture:
            # Before libvips sees the file: it may allocate by what a header claims.
            check_input(_claimed(picture, kind), limits)
            if kind not in decode.VIPS_KINDS:
                return _inspect_pillow(picture, kind)
            image = decode.open_vips(source)
            facts = _vips_header(image, kind, _mode(picture))
            if kind is Kind.PNG:  # libvips shows an animated PNG's first frame, and does not count the others
                frames = getattr(picture, "n_frames", 1)
                facts = replace(facts, frames=frames, sequence=frames > 1)
            facts = replace(facts, progressive=bool(picture.info.get(_PROGRESSIVE.get(kind, ""))))
            # Pillow decodes a whole PNG when it is asked for EXIF; libvips knows no EXIF of TIFF.
            exif = decode.exif_of(picture) if kind is Kind.TIFF else _exif_of(image)
            facts = _with_metadata(facts, exif, picture.info.get("dpi"))
    check_input(facts, limits)
    return replace(facts, has_alpha=_decode_all(source, kind, facts))


def _claimed(picture: ImageFile.ImageFile, kind: Kind) -> ImageFacts:
    width, height = picture.size
    return ImageFacts(format=kind.value, width=width, height=height, color_mode=_mode(picture))


def _inspect_pillow(picture: ImageFile.ImageFile, kind: Kind) -> ImageFacts:
    facts = _with_metadata(_pillow_header(picture, kind), decode.exif_of(picture), picture.info.get("dpi"))
    picture.load()
    return replace(facts, has_alpha=_is_see_through(picture))


def _vips_header(image: pyvips.Image, kind: Kind, mode: str) -> ImageFacts:
    orientation = decode.orientation_of(image)
    width, height = image.width, image.height
    if orientation is not None and orientation > 4:
        width, height = height, width
    frames = cast("int", image.get("n-pages")) if image.get_typeof("n-pages") else 1
    return ImageFacts(
        format=kind.value,
        width=width,
        height=height,
        color_mode=mode,
        orientation=orientation,
        sequence=frames > 1 and kind is not Kind.TIFF,
        frames=frames,
    )


def _exif_of(image: pyvips.Image) -> Image.Exif:
    exif = Image.Exif()
    if image.get_typeof("exif-data"):
        with contextlib.suppress(*decode.DAMAGED):
            exif.load(cast("bytes", image.get("exif-data")))
    return exif


def _pillow_header(picture: ImageFile.ImageFile, kind: Kind) -> ImageFacts:
    orientation = decode.pillow_orientation(picture, kind)
    width, height = picture.size
    if orientation is not None and orientation > 4:
        width, height = height, width
    frames = getattr(picture, "n_frames", 1)
    return ImageFacts(
        format=kind.value,
        width=width,
        height=height,
        color_mode=_mode(picture),
        orientation=orientation,
        sequence=frames > 1 and kind is Kind.AVIF,
        frames=frames,
    )


def _with_metadata(facts: ImageFacts, exif: Image.Exif, dpi: object = None) -> ImageFacts:
    facts = replace(facts, dpi=_dpi(dpi))
    try:
        taken = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
        return replace(facts, geo_location=_place(exif), datetime_original=_moment(taken))
    except decode.DAMAGED:
        return facts


def _decode_all(source: int, kind: Kind, facts: ImageFacts) -> bool:
    """Read every pixel; return whether one of them is not opaque. Raises what the decoder raises."""
    match kind:
        case Kind.JPEG:
            decode.open_vips(source, shrink=_JPEG_SHRINK).avg()
            return False
        case Kind.GIF | Kind.WEBP if facts.sequence:
            image = decode.open_vips(source, n=-1)
        case _:
            image = decode.open_vips(source)
    if image.hasalpha():
        # The mean is the maximum exactly when every pixel is; unlike a search for the minimum it reads to the end.
        opaque = 65535.0 if image.format == "ushort" else 255.0
        return image[image.bands - 1].avg() < opaque
    if kind is Kind.TIFF:
        image.avg()  # tiles: the last row alone would leave some unread
    else:
        # Rows come in order, so asking for the last one reads them all, without arithmetic on each.
        image.crop(0, image.height - 1, image.width, 1).write_to_memory()
    return False


def _inspect_svg(source: int, limits: ImageLimits) -> ImageFacts:
    image = decode.open_vips(source, dpi=_CSS_DPI, scale=_NO_DPI / _CSS_DPI)
    facts = ImageFacts(format="SVG", width=image.width, height=image.height, color_mode="RGBA", has_alpha=True)
    check_input(facts, limits)
    # Drawing it small is what tells a drawing from a file that only begins like one.
    small = pyvips.Image.thumbnail_source(
        decode.vips_source(source), _SVG_PROBE, height=_SVG_PROBE, size="down", fail_on="error"
    )
    small.avg()
    return facts


def _is_see_through(picture: Image.Image) -> bool:
    if not picture.has_transparency_data:
        return False
    low, _high = cast("tuple[int, int]", picture.convert("RGBA").getchannel("A").getextrema())
    return low < 255


def _mode(picture: Image.Image) -> str:
    """Pillow's mode, where the contract knows it; deep and two-level grey are grey."""
    if picture.mode == "1" or picture.mode in _CONTRACT_MODES:
        return picture.mode
    return "L"


def _dpi(value: object) -> tuple[int, int] | None:
    try:
        across, down = (float(number) for number in cast("tuple[float, float]", value))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not (0 < across < 1e6 and 0 < down < 1e6):  # also false for what is not a number
        return None
    return round(across), round(down)


def _moment(value: object) -> str | None:
    """EXIF writes `2024:05:17 10:11:12`, without a zone, and cameras without a clock write zeros or blanks."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.strptime(value.strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF has no zone
    except ValueError:
        return None
    return moment.isoformat()


def _place(exif: Image.Exif) -> GeoLocation | None:
    tags = exif.get_ifd(ExifTags.IFD.GPSInfo)
    latitude = _degrees(tags.get(ExifTags.GPS.GPSLatitude), tags.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    longitude = _degrees(tags.get(ExifTags.GPS.GPSLongitude), tags.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    if latitude is None or longitude is None:
        return None
    return GeoLocation(latitude=latitude, longitude=longitude)


def _degrees(value: object, reference: object, negative: str, most: int) -> float | None:
    try:
        degrees, minutes, seconds = (float(number) for number in cast("tuple[float, float, float]", value))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    total = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(total) or abs(total) > most:
        return None
    is_negative = isinstance(reference, str) and reference.strip("\0 ").upper() == negative
    return round(-total if is_negative else total, 7)
