"""File names: what people call their files is a claim; these rules make it harmless."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from longshore.core.errors import Invalid

MAX_NAME_BYTES = 1024
_ROOT_DROPPED = re.compile(r"[^A-Za-z0-9_]")
_EXTENSION_DROPPED = re.compile(r"[^A-Za-z0-9_]")
#: Bidirectional controls: they make `gpj.exe` read as `exe.jpg`.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class BadName(Invalid):
    """A file name that cannot be kept even as a label."""

    code = "bad-name"
    title = "The file name is not usable"


def clean(claimed: str) -> str:
    """The last path component of a claimed name, verbatim but for what no name may hold.

    Directories (`/` and `\\`) are cut off. Raises BadName when what is left is empty, `.` or `..`, holds control
    characters or direction marks, is not valid Unicode, or is longer than 1,024 bytes of UTF-8.
    """
    name = claimed.replace("\\", "/").rsplit("/", 1)[-1]
    try:
        size = len(name.encode())
    except UnicodeEncodeError as e:
        raise BadName("The file name is not valid Unicode") from e
    if name.strip() in ("", ".", ".."):
        raise BadName("The file name is empty")
    if size > MAX_NAME_BYTES:
        raise BadName(f"The file name is longer than {MAX_NAME_BYTES} bytes", limit=MAX_NAME_BYTES)
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise BadName("The file name holds control characters")
    if any(c in _BIDI for c in name):
        raise BadName("The file name holds text direction marks")
    return name


def tidy(claimed: str, fallback: str = "unnamed") -> str:
    """Like `clean`, but mends instead of refusing: for APIs whose contract takes any name."""
    name = claimed.replace("\\", "/").rsplit("/", 1)[-1]
    name = name.encode("utf-8", "replace").decode()
    name = "".join(c for c in name if unicodedata.category(c) != "Cc" and c not in _BIDI)
    while len(name.encode()) > MAX_NAME_BYTES:
        root, dot, extension = name.rpartition(".")
        name = root[:-1] + dot + extension if root else name[:-1]
    return fallback if name.strip() in ("", ".", "..") else name


def sanitize(name: str) -> str:
    """Uploadcare's `filename` (contract 1.8): the root keeps `[A-Za-z0-9_]`, an empty root becomes `noroot`.

    `IMG-0412_123.JPG` gives `IMG0412_123.JPG`, `archive.tar.gz` gives `archivetar.gz`, `файл.pdf` gives `noroot.pdf`.
    """
    root, dot, extension = name.rpartition(".")
    if not dot:
        root, extension = name, ""
    root = _ROOT_DROPPED.sub("", root) or "noroot"
    extension = _EXTENSION_DROPPED.sub("", extension)
    return f"{root}.{extension}" if extension else root


def content_disposition(kind: str, name: str) -> str:
    """A `Content-Disposition` value (`kind` is `inline` or `attachment`) for any Unicode name, by RFC 6266."""
    if re.fullmatch(r"[A-Za-z0-9!#$&+.^_`|~-]+", name):
        return f"{kind}; filename={name}"
    plain = "".join(c if 32 <= ord(c) < 127 and c not in '"\\%' else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
