"""Formats that share a container, told apart by looking inside its head: one signature cannot do that.

ISO media files by their brands (ISO/IEC 14496-12, 23008-12), RIFF and FORM by their form type, Matroska by its
DocType, Ogg by the codec of its first pages, zip archives by the names of their members. Each function gets the head
of a file whose first bytes are right already and answers None when it is something else after all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

ZIP = "application/zip"

_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "image/heic"),
    b"qt  ": "video/quicktime",
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "), "audio/mp4"),
    **dict.fromkeys((b"M4V ", b"M4VH", b"M4VP", b"F4V ", b"MSNV", b"NDSC", b"dash", b"mmp4"), "video/mp4"),
    **dict.fromkeys((b"mp41", b"mp42", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"avc1", b"hvc1"), "video/mp4"),
    b"crx ": "image/x-canon-cr3",
    b"jxl ": "image/jxl",
    b"jp2 ": "image/jp2",
    b"jpx ": "image/jpx",
}
#: Brands of families: `3gp4`, `3gp5`, ...
_FAMILIES = {
    b"3gp": "video/3gpp",
    b"3gr": "video/3gpp",
    b"3gs": "video/3gpp",
    b"3g2": "video/3gpp2",
    b"iso": "video/mp4",
}
#: Only says "pictures of the HEIF structure"; the compatible brands say what they are coded in.
_STRUCTURE = (b"mif1", b"mif2", b"msf1", b"miaf")
#: QuickTime files older than `ftyp` begin with one of these.
_OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"pnot")

_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_FORM = {b"AIFF": "audio/aiff", b"AIFC": "audio/aiff"}

_DECLARED = re.compile(r"application/(vnd\.oasis\.opendocument\.[a-z-]{1,40}|epub\+zip)")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OFFICE_FOLDERS = {
    "word/": f"{_OFFICE}wordprocessingml.document",
    "xl/": f"{_OFFICE}spreadsheetml.sheet",
    "ppt/": f"{_OFFICE}presentationml.presentation",
    "visio/": "application/vnd.ms-visio.drawing",
}
_OFFICE_NAMES = {"docx": "word/", "xlsx": "xl/", "pptx": "ppt/"}


def iso_media(head: bytes) -> str | None:
    if head[4:8] in _OLD_QUICKTIME:
        return "video/quicktime"
    if head[:12] == b"\0\0\0\x0cjP  \r\n\x87\n":  # JPEG 2000 has a box of its own before `ftyp`
        return _BRANDS.get(head[20:24], "image/jp2")
    if head[4:8] != b"ftyp":
        return None
    size = min(int.from_bytes(head[:4], "big"), 256, len(head))
    compatible = [head[at : at + 4] for at in range(16, size - 3, 4)]
    major = head[8:12]
    if major in _STRUCTURE:
        coded = [_BRANDS[b] for b in compatible if _BRANDS.get(b, "").startswith("image/")]
        return coded[0] if coded else "image/heif"
    for brand in (major, *compatible):
        if found := _BRANDS.get(brand) or _FAMILIES.get(brand[:3]):
            return found
        if brand in _STRUCTURE:
            return "image/heif"
    return None


def riff(head: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return _RIFF.get(head[8:12])
    return _FORM.get(head[8:12]) if head[:4] == b"FORM" else None


def matroska(head: bytes) -> str | None:
    """DocType is element 0x4282; WebM differs from Matroska in it alone."""
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    at = head.find(b"\x42\x82", 4, 256)
    doc_type = head[at + 3 : at + 3 + (head[at + 2] & 0x7F)] if 0 < at < len(head) - 3 else b""
    return {b"webm": "video/webm", b"matroska": "video/x-matroska"}.get(doc_type.rstrip(b"\0"))


def ogg(head: bytes) -> str | None:
    """The pages of all streams' beginnings come first; a picture among them makes it a video."""
    if not head.startswith(b"OggS"):
        return None
    beginnings = head[:4096]
    if b"\x80theora" in beginnings or b"\x01video\0" in beginnings:
        return "video/ogg"
    known = (b"\x01vorbis", b"OpusHead", b"Speex   ", b"\x7fFLAC")
    return "audio/ogg" if any(codec in beginnings for codec in known) else "application/ogg"


def zipped(head: bytes, *, name: str) -> str | None:
    """What a zip archive is for. `name` chooses among office documents only when the head shows none of their parts."""
    if not head.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    members = list(_members(head))
    if members and members[0][0] == "mimetype":  # OpenDocument and EPUB: stored first, uncompressed
        declared = members[0][1].decode("ascii", "replace").strip()
        if _DECLARED.fullmatch(declared):
            return declared
    names = [member for member, _ in members]
    has_parts = "[Content_Types].xml" in names
    claimed = _OFFICE_NAMES.get(name.rpartition(".")[2].lower(), "") if "." in name else ""
    for folder, media_type in _OFFICE_FOLDERS.items():
        inside = any(member.startswith(folder) for member in names)
        if inside and (has_parts or claimed == folder):
            return media_type
    if has_parts and claimed:
        return _OFFICE_FOLDERS[claimed]
    if "AndroidManifest.xml" in names:
        return "application/vnd.android.package-archive"
    if "META-INF/MANIFEST.MF" in names:
        return "application/java-archive"
    return ZIP


def _members(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Names, and what is there of uncompressed contents, as the local headers of the head tell."""
    at = 0
    while head[at : at + 4] == b"PK\3\4" and at + 30 <= len(head):
        flags = int.from_bytes(head[at + 6 : at + 8], "little")
        method = int.from_bytes(head[at + 8 : at + 10], "little")
        size = int.from_bytes(head[at + 18 : at + 22], "little")
        name_size = int.from_bytes(head[at + 26 : at + 28], "little")
        extra_size = int.from_bytes(head[at + 28 : at + 30], "little")
        start = at + 30 + name_size + extra_size
        name = head[at + 30 : at + 30 + name_size].decode("utf-8", "replace")
        if flags & 8 and size == 0:
            # the size stands behind the content: look for the next header
            following = head.find(b"PK\3\4", start)
            yield name, b""
            if following < 0:
                return
            at = following
        else:
            yield name, head[start : start + size][:128] if method == 0 else b""
            at = start + size
