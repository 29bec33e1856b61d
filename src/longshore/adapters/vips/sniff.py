"""What a file is by its first bytes: the only thing that chooses a decoder. Names and declared types play no part.

Imports no codec.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum

_HEAD = 4096
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
# Atomic and possessive, so that a prologue made to be ambiguous costs nothing.
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s|<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE\s+svg[^\[>]*(?:\[[^\]]*\]\s*)?>)*+<(?:svg:)?svg[\s>/]",
    re.DOTALL,
)


class Kind(StrEnum):
    """Formats that are read, by Pillow's names."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    GIF = "GIF"
    TIFF = "TIFF"
    SVG = "SVG"
    AVIF = "AVIF"
    HEIF = "HEIF"
    BMP = "BMP"
    PCX = "PCX"
    TGA = "TGA"


_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"II*\0", Kind.TIFF),
    (b"MM\0*", Kind.TIFF),
    (b"BM", Kind.BMP),
)

#: Rough milliseconds of one core per megabyte of file, to choose a queue before anything is decoded.
_INSPECT_COST = {Kind.JPEG: 10, Kind.PNG: 8, Kind.TIFF: 10, Kind.WEBP: 150, Kind.GIF: 100, Kind.BMP: 5}
_INSPECT_COST_OTHER = 300
_PIXEL_COST = 3  # and per megapixel, roughly, when it comes in one pass
_HEAVY = 400
_HEADER = 1 << 17  # what is looked through for a JPEG's size, which may stand behind an EXIF thumbnail and a profile


def sniff(source: int) -> Kind | None:
    """The kind of the file behind a descriptor, whose position does not move; None when it is not an image we read."""
    head = os.pread(source, _HEAD, 0)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[:1] == b"\x0a" and head[1:2] in b"\x00\x02\x03\x04\x05" and head[2:3] == b"\x01" and len(head) >= 128:
        return Kind.PCX
    if _SVG.match(head):
        return Kind.SVG
    size = os.fstat(source).st_size
    if size > len(_TGA_FOOTER) and os.pread(source, len(_TGA_FOOTER), size - len(_TGA_FOOTER)) == _TGA_FOOTER:
        return Kind.TGA
    return None


def is_heavy(kind: Kind, source: int) -> bool:
    """Whether inspecting the file behind a descriptor belongs into the heavy queue: by its bytes, or by the pixels that
    its header claims, for a bomb is a small file."""
    size = os.fstat(source).st_size
    if _INSPECT_COST.get(kind, _INSPECT_COST_OTHER) * size > _HEAVY << 20:
        return True
    pixels, in_passes = _claimed(kind, os.pread(source, _HEADER, 0))
    # Pictures in several passes are kept whole, as coefficients, and gone over once for each.
    return pixels * _PIXEL_COST * (4 if in_passes else 1) > _HEAVY * 1_000_000


def _claimed(kind: Kind, head: bytes) -> tuple[int, bool]:
    """Pixels, and whether they come in several passes (progressive, interlaced); none where no header was found."""
    match kind:
        case Kind.PNG:
            return int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big"), head[28:29] == b"\1"
        case Kind.GIF:
            return int.from_bytes(head[6:8], "little") * int.from_bytes(head[8:10], "little"), False
        case Kind.JPEG:
            return _claimed_by_jpeg(head)
        case _:
            return 0, False


def _claimed_by_jpeg(head: bytes) -> tuple[int, bool]:
    """From the start of frame (ITU-T T.81, B.2.2): SOF2 and its kin are progressive."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(head[at + side : at + side + 2], "big") for side in (5, 7))
            return height * width, marker & 3 == 2
        at += 2 + max(length, 2)
    return 0, False


def _by_brand(head: bytes) -> Kind | None:
    """ISO base media (ISO 14496-12): the major brand, then the compatible ones."""
    length = min(int.from_bytes(head[:4], "big"), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))]
    if _AVIF_BRANDS.intersection(brands):
        return Kind.AVIF
    return Kind.HEIF if _HEIF_BRANDS.intersection(brands) else None
