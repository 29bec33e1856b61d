"""Opening pictures: from a descriptor to a libvips image. Runs in workers only.

The format is the sniffed one; no library is left to guess. libvips reads JPEG, PNG, WebP, GIF, TIFF and SVG; Pillow
reads AVIF (dav1d: half the time of libvips' decoder) and the rare formats, pi-heif HEIC. SVG is read from the
descriptor, never by a path: by path librsvg draws files that lie beside it.
"""

from __future__ import annotations

import os
import struct
import warnings
from typing import Any, BinaryIO, cast

import pyvips
from pi_heif import HeifImageFile, options  # pyright: ignore[reportMissingTypeStubs] - it ships none
from PIL import ExifTags, Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PcxImagePlugin import PcxImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TgaImagePlugin import TgaImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from longshore.adapters.vips.sniff import Kind, sniff
from longshore.core.errors import Unsupported
from longshore.core.media import BrokenMedia

#: Kinds whose pixels libvips reads, and the loader classes that are let through for them.
VIPS_KINDS = frozenset({Kind.JPEG, Kind.PNG, Kind.WEBP, Kind.GIF, Kind.TIFF, Kind.SVG})
_LOADERS = ("Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Svg")

_PILLOW: dict[Kind, type[ImageFile.ImageFile]] = {
    Kind.JPEG: JpegImageFile,
    Kind.PNG: PngImageFile,
    Kind.WEBP: WebPImageFile,
    Kind.GIF: GifImageFile,
    Kind.TIFF: TiffImageFile,
    Kind.AVIF: AvifImageFile,
    Kind.HEIF: cast("type[ImageFile.ImageFile]", HeifImageFile),
    Kind.BMP: BmpImageFile,
    Kind.PCX: PcxImageFile,
    Kind.TGA: TgaImageFile,
}

#: What reading damaged EXIF may raise.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, LookupError, ArithmeticError, TypeError)


def prepare() -> None:
    """Once per worker, before the first picture."""
    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
    options.DECODE_THREADS = 1
    warnings.simplefilter("ignore")  # Pillow's, of damaged tags: as many lines of log as the sender of a file likes
    # Sizes are checked against our own limits before any pixel; Pillow's warning would only be noise.
    Image.MAX_IMAGE_PIXELS = None


def kind_of(source: int) -> Kind:
    """Raises Unsupported."""
    kind = sniff(source)
    if kind is None:
        raise Unsupported("The file is not an image of a type that can be processed")
    return kind


def open_vips(source: int, **options: object) -> pyvips.Image:
    """The header of the picture; its pixels come from the top down when they are asked for."""
    return pyvips.Image.new_from_source(vips_source(source), "", access="sequential", fail_on="error", **options)


def vips_source(source: int) -> pyvips.Source:
    """A source at the start of the file. The position is shared with whoever read before, so it is set each time."""
    os.lseek(source, 0, os.SEEK_SET)
    return pyvips.Source.new_from_descriptor(source)


def open_pillow(kind: Kind, source: int) -> ImageFile.ImageFile:
    """The header by Pillow: all of it for its own formats, the metadata for libvips'."""
    os.lseek(source, 0, os.SEEK_SET)
    file = cast("BinaryIO", os.fdopen(os.dup(source), "rb"))
    return _PILLOW[kind](file)


def pixels_of(picture: ImageFile.ImageFile, kind: Kind) -> pyvips.Image:
    """All pixels of a Pillow picture, 8 bits, grey or RGB with or without alpha; orientation, profile and EXIF stay."""
    size = picture.size
    picture.load()
    if picture.size != size:
        raise BrokenMedia("The image has another size than its header says")
    exif, profile = picture.info.get("exif"), picture.info.get("icc_profile")
    plain = picture.convert(_plain_mode(picture))
    bands = len(plain.getbands())
    image = pyvips.Image.new_from_memory(plain.tobytes(), plain.width, plain.height, bands, "uchar")
    image = image.copy(interpretation="b-w" if bands < 3 else "srgb")
    if isinstance(exif, bytes) and exif:
        image.set_type(pyvips.GValue.blob_type, "exif-data", _blob(exif))
    if isinstance(profile, bytes) and profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", _blob(profile))
    image.set_type(pyvips.GValue.gint_type, "orientation", pillow_orientation(picture, kind) or 1)
    return image


def _blob(content: bytes) -> Any:
    """pyvips takes bytes for blobs; its type stubs do not know it."""
    return content


def orientation_of(image: pyvips.Image) -> int | None:
    """The EXIF orientation, 1 to 8."""
    if not image.get_typeof("orientation"):
        return None
    value = cast("int", image.get("orientation"))
    return value if 1 <= value <= 8 else None


def exif_of(picture: ImageFile.ImageFile) -> Image.Exif:
    """The EXIF tags; none when they are damaged, which does not make a picture worthless."""
    try:
        return picture.getexif()
    except DAMAGED:
        return Image.Exif()


def pillow_orientation(picture: ImageFile.ImageFile, kind: Kind) -> int | None:
    """The EXIF orientation, 1 to 8, of the pixels as Pillow gives them."""
    if kind is Kind.HEIF:
        return 1  # turned by its own box (irot), which the decoder has applied
    value = exif_of(picture).get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and 1 <= value <= 8 else None


def _plain_mode(picture: Image.Image) -> str:
    if picture.mode in ("L", "LA", "RGB", "RGBA"):
        return picture.mode
    if picture.mode == "1":
        return "L"
    return "RGBA" if picture.has_transparency_data else "RGB"
