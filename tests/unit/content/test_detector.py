"""Types by content: what files really are, whatever they are called."""

import gzip
import io
import time
import wave
import zipfile

import pi_heif
import pytest
from PIL import Image

from longshore.adapters.content import ContentDetector
from tests import corpus

OCTETS = "application/octet-stream"
OFFICE = "application/vnd.openxmlformats-officedocument."


async def type_of(content: bytes, name: str = "upload") -> str:
    detector = ContentDetector()
    return await detector.detect(content[: detector.head_size], name=name)


def picture(format: str, mode: str = "RGB", **options: object) -> bytes:  # noqa: A002 - Pillow's own word
    out = io.BytesIO()
    Image.new(mode, (64, 48), "teal").save(out, format, **options)
    return out.getvalue()


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED, streamed: bool = False) -> bytes:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise OSError

    out = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        for name, content in members:
            stored = zipfile.ZIP_STORED if name == "mimetype" else compression
            file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, stored)
    return out.getvalue()


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
    return out.getvalue()


def heif() -> bytes:
    """pi-heif only reads, so: the boxes as an iPhone writes them."""
    assert pi_heif.libheif_version()
    return b"\0\0\0\x24ftypheic\0\0\0\0mif1MiHEMiPrmiafMiHBheic" + bytes(200)


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return (len(body) + 4).to_bytes(4, "big") + body + bytes(300)


def ebml(doc_type: bytes) -> bytes:
    inner = b"\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type
    return b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(inner)]) + inner + bytes(100)


def ogg(codec: bytes) -> bytes:
    return b"OggS\0\2" + bytes(20) + b"\1" + bytes([len(codec)]) + codec + bytes(100)


PARTS = (("[Content_Types].xml", b"<Types/>" * 50), ("_rels/.rels", b"<Relationships/>" * 50))

FILES = [
    ("image/jpeg", corpus.photo_jpeg(320, 240, 1)),
    ("image/jpeg", picture("MPO", save_all=True, append_images=[Image.new("RGB", (64, 48))])),
    ("image/png", corpus.png(64, 48, 1, alpha=True)),
    ("image/png", corpus.png_claiming()),
    ("image/gif", corpus.gif_animated(64, 48, 1)),
    ("image/webp", corpus.webp(64, 48, 1)),
    ("image/webp", picture("WEBP", lossless=True)),
    ("image/avif", corpus.avif(64, 48, 1)),
    ("image/tiff", corpus.tiff(64, 48, 1)),
    ("image/tiff", b"MM\0*\0\0\0\x08" + bytes(50)),
    ("image/bmp", picture("BMP")),
    ("image/vnd.microsoft.icon", picture("ICO")),
    ("image/jp2", picture("JPEG2000")),
    ("image/heic", heif()),
    ("image/heic", ftyp(b"mif1", b"mif1", b"heic")),
    ("image/avif", ftyp(b"mif1", b"mif1", b"avif", b"miaf")),
    ("image/heif", ftyp(b"mif1", b"mif1", b"miaf")),
    ("image/svg+xml", corpus.SVG),
    ("application/pdf", picture("PDF")),
    ("application/zip", archive(("a.txt", b"hello"))),
    ("application/zip", archive()),
    (f"{OFFICE}wordprocessingml.document", archive(*PARTS, ("word/document.xml", b"<w/>"))),
    (f"{OFFICE}spreadsheetml.sheet", archive(*PARTS, ("xl/workbook.xml", b"<w/>"))),
    (f"{OFFICE}presentationml.presentation", archive(*PARTS, ("ppt/presentation.xml", b"<p/>"))),
    (f"{OFFICE}wordprocessingml.document", archive(*PARTS, ("word/document.xml", b"<w/>"), streamed=True)),
    (
        "application/vnd.oasis.opendocument.text",
        archive(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>")),
    ),
    ("application/epub+zip", archive(("mimetype", b"application/epub+zip"), ("META-INF/container.xml", b"<x/>"))),
    ("application/java-archive", archive(("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0"), ("A.class", b""))),
    ("video/mp4", ftyp(b"isom", b"isom", b"iso2", b"avc1", b"mp41")),
    ("video/mp4", ftyp(b"mp42", b"mp42", b"isom")),
    ("video/mp4", ftyp(b"dash", b"iso6")),
    ("video/quicktime", ftyp(b"qt  ", b"qt  ")),
    ("video/quicktime", b"\0\0\x10\0moov" + bytes(100)),
    ("video/3gpp", ftyp(b"3gp5", b"3gp5", b"isom")),
    ("audio/mp4", ftyp(b"M4A ", b"M4A ", b"mp42")),
    ("video/webm", ebml(b"webm")),
    ("video/x-matroska", ebml(b"matroska")),
    ("video/x-msvideo", b"RIFF\x24\0\0\0AVI LIST" + bytes(50)),
    ("audio/mpeg", b"ID3\4\0\0\0\0\0\x23" + bytes(200)),
    ("audio/mpeg", b"\xff\xfb\x90\x64" + bytes(413)),
    ("audio/aac", b"\xff\xf1\x50\x80\x2e\x7f\xfc" + bytes(100)),
    ("video/mpeg", b"\0\0\1\xba\x44\0\4" + bytes(60)),
    ("application/x-elf", b"\x7fELF\2\1\1" + bytes(60)),
    ("application/vnd.microsoft.portable-executable", b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0" + bytes(60)),
    ("audio/wav", sound()),
    ("audio/ogg", ogg(b"\x01vorbis")),
    ("audio/ogg", ogg(b"OpusHead")),
    ("video/ogg", ogg(b"\x80theora")),
    ("audio/flac", b"fLaC\0\0\0\x22" + bytes(60)),
    ("audio/midi", b"MThd\0\0\0\6\0\1\0\1" + bytes(60)),
    ("application/gzip", gzip.compress(b"hello")),
    ("application/gzip", gzip.compress(corpus.SVG)),
    ("application/x-7z-compressed", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(60)),
    ("application/vnd.rar", b"Rar!\x1a\x07\x01\0" + bytes(60)),
    ("application/x-xz", b"\xfd7zXZ\0\0\4" + bytes(60)),
    ("font/woff2", b"wOF2" + bytes(60)),
    ("application/rtf", b"{\\rtf1\\ansi Hello}"),
    ("application/postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    ("text/html", corpus.HTML),
    ("application/xml", b'<?xml version="1.0"?>\n<note><to>you</to></note>'),
    ("application/xml", b'<note xmlns="urn:x"><to/></note>'),
    ("application/xml", b"<note><to/></note>"),
    ("application/json", b'{"a": [1, 2, {"b": null}]}'),
    ("application/json", b" [1, 2]\n"),
    ("text/plain", b"hello, world\n"),
    ("text/plain", "Grüße, 世界 🎉".encode()),
    ("text/plain", b"\xef\xbb\xbfhello"),
    ("text/plain", "Grüße".encode("utf-16")),
    ("text/plain", b"\xfe\xff" + "Grüße".encode("utf-16-be")),
    ("text/plain", "Привет, это просто старый текст в старой кодировке, и не более, уж поверьте.".encode("cp1251")),
    ("text/plain", b"{not json"),
    ("text/plain", b"42"),
    ("text/plain", b"function evil() { alert(1) }"),
    ("text/plain", b"#!/bin/sh\necho hello\n"),
    ("text/plain", b"%PD not quite"),
    ("text/plain", b"a < b and <b>bold</b>"),
    ("text/plain", b"<john@example.com> wrote:\n> hello"),
    ("text/plain", b"<- here"),
    ("text/plain", b"GIF8 is a word"),
    ("text/plain", b"BM is a word"),
    ("text/plain", b"MZ and ID3 and PK"),
    ("text/plain", b"RIFF is not one, nor is ftyp"),
    ("text/plain", b"FWS is not Flash"),
    (OCTETS, b""),
    (OCTETS, b"\0"),
    (OCTETS, bytes(5000)),
    (OCTETS, bytes(range(256)) * 20),
    (OCTETS, b"\xff\xfb\xff\xff" + bytes(100)),
    (OCTETS, b"RIFF\x24\0\0\0ABCD" + bytes(100)),
    (OCTETS, b"\x89PNG\n" + bytes(100)),
    (OCTETS, b"\xff\xd8" + bytes(100)),
]


@pytest.mark.parametrize(("expected", "content"), FILES, ids=[f"{n}-{e}" for n, (e, _) in enumerate(FILES)])
async def test_content_decides(expected: str, content: bytes) -> None:
    assert await type_of(content) == expected


HIDDEN = [
    *[
        ("text/html", lead + tag)
        for lead in (b"", b"\xef\xbb\xbf", b" \t\r\n\f", b"\n" * 5000, b"<!-- a -->", b"\0", b"<?x?>", b"\x0b\0 ")
        for tag in (b"<HTML>", b"<script>alert(1)</script>", b"<ScRiPt/src=//x>", b"<!DocType HTML>", b"<img src=x>")
    ],
    *[
        ("image/svg+xml", lead + b"<svg onload=alert(1)>")
        for lead in (
            b"\xef\xbb\xbf",
            b"\n \t",
            b"<!-- one --><!-- two -->",
            b'<?xml version="1.0"?>',
            b'<?xml version="1.0"?><!-- ' + b"x" * 30_000 + b" -->\n",
            b'<?xml version="1.0"?><?xml-stylesheet href="a.css"?>',
            b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
            b"<!DOCTYPE x>",
            b'<!DOCTYPE x [<!ENTITY a "b">]>',
        )
    ],
    ("image/svg+xml", b"<SVG>"),
    ("image/svg+xml", b'<s:svg xmlns:s="http://www.w3.org/2000/svg">'),
    ("image/svg+xml", b"<!doctype svg>"),
    ("image/svg+xml", "<svg/>".encode("utf-16")),
    ("image/svg+xml", "<svg/>".encode("utf-16-le")),
    ("image/svg+xml", "<svg/>".encode("utf-16-be")),
    ("image/svg+xml", b"\xff\xfe\0\0" + "<svg/>".encode("utf-32-le")),
    ("text/html", "<script>alert(1)</script>".encode("utf-16")),
    ("text/html", "\n <script>alert(1)</script>".encode("utf-16-be")),
    ("text/html", b"<!-- never closed"),
    ("text/html", b"<!--><script>alert(1)</script>"),
    ("text/html", b"<!-- a --> words <script>alert(1)</script>"),
    ("text/html", b"</p><script>alert(1)</script>"),
    ("text/html", b"<x onclick=alert(1)>"),
    ("text/html", b"<svgx/onload=alert(1) a=b>"),
    ("text/html", b"<iframe\tsrc=x>\0\0\0"),
    ("text/html", b"<script>\xff\xfe\x00\x01 binary"),
    ("text/html", b"<!-- a -->" * 6000),
    ("text/html", b"<?a?>" * 13000),
    ("application/xhtml+xml", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">'),
]


@pytest.mark.parametrize(("expected", "content"), HIDDEN)
@pytest.mark.parametrize("name", ["photo.jpg", "notes.txt", "table.csv", "data.json", "upload"])
async def test_what_could_run_is_recognised_behind_anything(expected: str, content: bytes, name: str) -> None:
    """By no name does it become harmless."""
    assert await type_of(content, name) == expected


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        ("image/jpeg", corpus.photo_jpeg(320, 240, 1) + corpus.HTML),
        ("image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xfe\1\0" + corpus.HTML + bytes(400)),
        ("image/gif", b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)"),
        ("image/png", corpus.png(8, 8, 1) + b"<?php system($_GET[0]) ?>"),
        ("application/pdf", b"%PDF-1.7\n" + archive(("a", b"b"))),
        ("application/pdf", b"%PDF-1.7\n<script>alert(1)</script>"),
        ("application/zip", archive(("a", b"b")) + b"%PDF-1.7\n" + corpus.HTML),
        ("text/plain", b"GIF89a<svg onload=alert(1)>"),
        ("image/jpeg", b"\xff\xd8\xff\xe1" + bytes(253) + b"ustar\x0000" + bytes(300)),
    ],
)
async def test_a_polyglot_is_what_it_begins_with(expected: str, content: bytes) -> None:
    assert await type_of(content, "x.html") == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"a,b\n1,2\n", "text/csv"),
        ("A.MD", b"# Title\n", "text/markdown"),
        ("a.css", b"p { color: red }", "text/css"),
        ("a.json", b"hello", "text/plain"),
        ("a.json", b'{"a": "' + b"x" * 70_000, "application/json"),
        ("a.txt", b'{"a": "' + b"x" * 70_000, "text/plain"),
        ("a.json", b"[" * 70_000, "application/json"),
        ("a.html", b"hello", "text/plain"),
        ("a.svg", b"hello", "text/plain"),
        ("a.js", b"alert(1)", "text/plain"),
        ("a.xml", b"hello", "text/plain"),
        ("a.jpg", b"hello", "text/plain"),
        ("a.html", bytes(100), OCTETS),
        ("a.csv", bytes(100), OCTETS),
        ("a.docx", archive(("a", b"b")), "application/zip"),
        ("a.docx", archive(*PARTS), f"{OFFICE}wordprocessingml.document"),
        ("a.xlsx", archive(*PARTS), f"{OFFICE}spreadsheetml.sheet"),
        ("a.docx", archive(*PARTS, ("xl/workbook.xml", b"")), f"{OFFICE}spreadsheetml.sheet"),
        ("a.docx", archive(("word/document.xml", b"")), f"{OFFICE}wordprocessingml.document"),
        ("a.zip", archive(("word/document.xml", b"")), "application/zip"),
        ("a.html", archive(("mimetype", b"text/html")), "application/zip"),
        ("a.doc", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "application/msword"),
        ("a.xls", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "application/vnd.ms-excel"),
        ("a.html", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "application/x-ole-storage"),
        ("doc", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "application/x-ole-storage"),
    ],
)
async def test_a_name_only_chooses_among_look_alikes(name: str, content: bytes, expected: str) -> None:
    assert await type_of(content, name) == expected


async def test_a_name_is_never_opened(tmp_path) -> None:
    """puremagic, given a name, would look into the file of that name."""
    other = tmp_path / "other.png"
    other.write_bytes(corpus.png(8, 8, 1))

    assert await type_of(b"hello", str(other)) == "text/plain"


@pytest.mark.parametrize("keep", [1, 2, 3, 4, 5, 8, 9, 11, 12, 13, 20, 31, 33])
async def test_a_cut_head_is_no_accident(keep: int) -> None:
    """Every type is a type; nothing raises."""
    for _, content in FILES:
        assert "/" in await type_of(content[:keep])


@pytest.mark.parametrize(
    "content",
    [
        b"<!-- a -->" * 7000,
        b"<?a?>" * 14000,
        b" " * 65_000 + b"<x",
        b"<svgx " + b"a " * 32_000,
        b"[" * 65_000,
        b"[" + b'{"a":[1,2,3]},' * 4600 + b"1]",
        b"{" + b" " * 65_000,
        b"PK\3\4" * 16_000,
        bytes(65_536),
        b"<" * 65_536,
        b"<!doctype x [" * 5000,
        "<".encode("utf-16-le") * 32_000,
        b"OggS" * 16_000,
        b"\x1a\x45\xdf\xa3" + b"\x42\x82" * 32_000,
        corpus.photo_jpeg(320, 240, 1),
    ],
)
async def test_no_head_takes_long(content: bytes) -> None:
    """It runs on the event loop. Usually below 1 ms; the bound leaves room for a busy machine."""
    await type_of(b"warm")
    times: list[float] = []
    for _ in range(5):
        start = time.thread_time()
        await type_of(content, "a.json")
        times.append(time.thread_time() - start)

    assert min(times) < 0.004
