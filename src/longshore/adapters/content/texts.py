"""Telling text from binary, and the kinds of text that are no markup."""

from __future__ import annotations

import codecs
import json
import re

PLAIN = "text/plain"

#: Text kinds that a name may choose: none of them runs in a browser. JavaScript is left out on purpose, a name must
#: not turn harmless text into something that a page can load as script.
_BY_NAME = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "css": "text/css",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
    "geojson": "application/geo+json",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "toml": "application/toml",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: What no text holds (WHATWG MIME sniffing, "binary data byte"), and DEL.
_CONTROL = re.compile(r"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f\ufffe\uffff]")
#: Shorter than this, bytes above ASCII in no known encoding are as likely chance as text.
_ENOUGH = 64
#: Parsing more JSON than this takes longer than the event loop may wait (16 K characters: up to 0.8 ms).
_PARSED = 16_384
_LIKE_JSON = re.compile(r"\s{0,1000}(\{\s{0,1000}[\"}]|\[\s{0,1000}[\[\]{\"0-9tfn-])")


def decoded(head: bytes) -> str | None:
    """`head` as text, or None when it is binary. UTF-8, UTF-16 and UTF-32 by their marks, 8-bit encodings as Latin-1.

    `head` may end in the middle of a character.
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return _strictly(head[len(mark) :], encoding)
    text = _strictly(head, "utf-8")
    if text is None and len(head) >= _ENOUGH and not _CONTROL.search(eight_bit := head.decode("latin-1")):
        return eight_bit
    return text


def for_markup(head: bytes) -> str:
    """`head` in the way in which its ASCII characters can be read, whatever else it is: for finding tags."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    # UTF-16 without a mark, which XML parsers know by its first bytes (XML 1.0, appendix F), is ASCII and NULs for our
    # purpose; NULs elsewhere are dropped by HTML parsers
    return head.replace(b"\0", b"").decode("latin-1")


def kind_of(text: str, *, name: str, whole: bool) -> str:
    """Which text this is; `whole` says that nothing follows `text`."""
    claimed = _BY_NAME.get(name.rpartition(".")[2].lower(), PLAIN) if "." in name else PLAIN
    claims_json = claimed.endswith("json")
    # what is too long to parse, or cut, is believed to be JSON when it looks like it and is called so
    is_json = _is_json(text) if whole and len(text) <= _PARSED else claims_json and _LIKE_JSON.match(text) is not None
    if claims_json:
        return claimed if is_json else PLAIN
    return "application/json" if is_json and claimed == PLAIN else claimed


def _strictly(head: bytes, encoding: str) -> str | None:
    """None when `head` is not valid in that encoding, or holds control characters."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _is_json(text: str) -> bool:
    """Objects and arrays only: `42` and `"word"` are text to people."""
    if not _LIKE_JSON.match(text):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
