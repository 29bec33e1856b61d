"""Binary formats by their signatures: puremagic knows them, and here its answers become canonical media types.

puremagic names one format in several ways (`audio/wave`, `audio/x-wav`), leaves types empty, and takes two or three
bytes for a match. So an answer counts only when its type is in the table below, with the number of signature bytes that
makes it believable. Its signatures of text are not used at all: text is `texts` and `markup`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

import puremagic

from longshore.adapters.content import containers

#: puremagic's type → ours, and how many bytes must have matched.
_CANONICAL: dict[str, tuple[str, int]] = {
    "image/jpeg": ("image/jpeg", 3),
    "image/png": ("image/png", 8),
    "image/gif": ("image/gif", 6),
    "image/tiff": ("image/tiff", 4),
    "image/x-icon": ("image/vnd.microsoft.icon", 4),
    "image/vnd.microsoft.icon": ("image/vnd.microsoft.icon", 4),
    "image/jp2": ("image/jp2", 8),
    "image/jxl": ("image/jxl", 12),
    "image/vnd.adobe.photoshop": ("image/vnd.adobe.photoshop", 4),
    "image/x-xcf": ("image/x-xcf", 8),
    "image/vnd.djvu": ("image/vnd.djvu", 8),
    "audio/flac": ("audio/flac", 4),
    "audio/x-flac": ("audio/flac", 4),
    "audio/midi": ("audio/midi", 4),
    "audio/x-midi": ("audio/midi", 4),
    "audio/amr": ("audio/amr", 5),
    "audio/AMR": ("audio/amr", 5),
    "video/x-flv": ("video/x-flv", 4),
    "video/x-ms-asf": ("video/x-ms-asf", 8),
    "video/x-ms-wmv": ("video/x-ms-asf", 8),
    "audio/x-ms-wma": ("video/x-ms-asf", 8),
    "application/pdf": ("application/pdf", 4),
    "application/postscript": ("application/postscript", 4),
    "application/rtf": ("application/rtf", 5),
    "text/rtf": ("application/rtf", 5),
    "application/msword": ("application/x-ole-storage", 8),
    "application/vnd.ms-excel": ("application/x-ole-storage", 8),
    "application/vnd.ms-powerpoint": ("application/x-ole-storage", 8),
    "application/gzip": ("application/gzip", 3),
    "application/x-gzip": ("application/gzip", 3),
    "application/x-bzip2": ("application/x-bzip2", 3),
    "application/x-xz": ("application/x-xz", 6),
    "application/zstd": ("application/zstd", 4),
    "application/x-7z-compressed": ("application/x-7z-compressed", 6),
    "application/vnd.rar": ("application/vnd.rar", 6),
    "application/x-rar-compressed": ("application/vnd.rar", 6),
    "application/x-tar": ("application/x-tar", 5),
    "application/x-sqlite3": ("application/vnd.sqlite3", 15),
    "application/vnd.sqlite3": ("application/vnd.sqlite3", 15),
    "application/x-shockwave-flash": ("application/x-shockwave-flash", 3),
    "application/wasm": ("application/wasm", 4),
    "font/woff": ("font/woff", 4),
    "font/woff2": ("font/woff2", 4),
    "font/otf": ("font/otf", 4),
    "font/ttf": ("font/ttf", 5),
}
#: Of these, text may be: their signatures are letters, and what follows is often text to its end.
_TEXTUAL = frozenset({"application/pdf", "application/postscript", "application/rtf"})
#: Old Office documents look alike up to places far behind the head.
_OLE_NAMES = {
    "doc": "application/msword",
    "dot": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "pps": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
}


class _Match(Protocol):
    @property
    def byte_match(self) -> bytes: ...
    @property
    def offset(self) -> int: ...
    @property
    def mime_type(self) -> str: ...


# Never with its second argument, `filename`: puremagic may open a file of that name.
_matches = cast("Callable[[bytes], list[_Match]]", puremagic.magic_string)  # pyright: ignore[reportUnknownMemberType] - untyped


def by_signature(head: bytes, *, name: str, is_text: bool) -> str | None:
    """The canonical media type of a binary format, None when `head` has no signature we believe."""
    if not is_text:
        for look in (containers.riff, containers.iso_media, containers.matroska, containers.ogg, _short):
            if found := look(head):
                return found
        if found := containers.zipped(head, name=name):
            return found
    found = _by_puremagic(head)
    if found is None or (is_text and found not in _TEXTUAL):
        return None
    if found == "application/x-ole-storage":
        return _OLE_NAMES.get(name.rpartition(".")[2].lower(), found) if "." in name else found
    return found


def _by_puremagic(head: bytes) -> str | None:
    """The first believable signature; at one place, the longest."""
    try:
        matches = _matches(head)
    except (puremagic.PureError, ValueError):
        return None
    # a negative offset counts from the end, which the head is not
    for m in sorted((m for m in matches if m.offset >= 0), key=lambda m: (m.offset, -len(m.byte_match))):
        canonical, enough = _CANONICAL.get(m.mime_type, ("", 0))
        if canonical and len(m.byte_match) >= enough:
            return canonical
    return None


def _short(head: bytes) -> str | None:
    """Formats whose signature is so short that more of the header has to make sense."""
    if head.startswith(b"BM"):
        return "image/bmp" if _is_bmp(head) else None
    if head.startswith(b"ID3") and len(head) >= 10 and max(head[6:10]) < 0x80 and head[3] < 0xFF:
        return "audio/mpeg"
    if head[:1] == b"\xff" and len(head) >= 4 and head[1] & 0xE0 == 0xE0:
        return _mpeg_audio(head)
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "video/mp2t"
    if head.startswith((b"\0\0\1\xba", b"\0\0\1\xb3")):  # a pack, or a sequence, of MPEG-1 or 2
        return "video/mpeg"
    if head.startswith(b"MZ"):
        at = int.from_bytes(head[60:64], "little")
        return "application/vnd.microsoft.portable-executable" if head[at : at + 4] == b"PE\0\0" else None
    if head.startswith(b"\x7fELF"):
        return "application/x-elf"
    return None


def _is_bmp(head: bytes) -> bool:
    """Offset of the pixels and the size of the header that follows are small numbers; the reserved fields are 0."""
    pixels_at, header = int.from_bytes(head[10:14], "little"), int.from_bytes(head[14:18], "little")
    return head[6:10] == bytes(4) and header in (12, 16, 40, 52, 56, 64, 108, 124) and 26 <= pixels_at < 1 << 20


def _mpeg_audio(head: bytes) -> str | None:
    """A frame header of MPEG audio layer III or II, or of AAC in ADTS, none of whose fields is reserved."""
    layer = head[1] >> 1 & 3
    if layer == 0:
        return "audio/aac" if head[1] & 0xF6 == 0xF0 and head[2] >> 2 & 15 < 13 else None
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    is_sound = version != 1 and layer != 3 and bitrate not in (0, 15) and rate != 3
    return "audio/mpeg" if is_sound else None
