"""Which paths belong to the two APIs, and how paths are compared with those of the contract."""

from __future__ import annotations

import re

#: Everything below these is answered by the API, known to it or not: 404 and 405 have its shape too (decision 29).
UPLOAD_PREFIXES = (b"/base", b"/multipart", b"/from_url", b"/group", b"/info", b"/iframe")
REST_PREFIXES = (b"/files", b"/groups", b"/webhooks", b"/project", b"/convert", b"/addons")

_SLASHES = re.compile("/{2,}")


def normal(raw_path: bytes) -> str:
    """The path as the tables of the two APIs spell it: with its final slash, and without doubled ones, which
    pyuploadcare sends (contract 1.1). Percent-encoding stays as it is."""
    path = _SLASHES.sub("/", raw_path.partition(b"?")[0].decode("latin-1"))
    return path if path.endswith("/") else f"{path}/"
