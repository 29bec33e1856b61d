"""What people open in a browser: the start page at `/`, the API reference at `/docs/`, the icon, and their parts.

Plain files from `static/`, kept in memory, revalidated by an ETag of their content. Nothing is inline and nothing comes
from elsewhere, so the content security policy can forbid all of that. What differs between installations travels in
one attribute of the page.
"""

from __future__ import annotations

import hashlib
import html
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from longshore import __version__

STATIC = Path(__file__).parent / "static"
OPENAPI_PATH = "/api/v1/openapi.json"
_PLACE = "{{settings}}"
_ALWAYS: Mapping[str, str] = {
    "Cache-Control": "no-cache",  # kept, but asked for again: an ETag answers with 304
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """What the pages have to know. Bases are without a trailing slash; `""` is the origin that the page came from.

    `public_key` is the demo project's, None when there is none. `api` serves `/api/v1/`. `cdn` delivers files.
    `storage` are the origins that signed links lead to, when they differ from the page's own. `max_size` is the demo
    project's limit in bytes. `is_scanned`: whether a scanner is configured. `uploadcare`: whether `POST /base/` is
    served here, for the example.
    """

    public_key: str | None = None
    api: str = ""
    cdn: str = ""
    storage: tuple[str, ...] = ()
    max_size: int | None = None
    is_scanned: bool = False
    uploadcare: bool = True
    version: str = __version__


class _Told(msgspec.Struct, rename="camel"):
    """The settings as the pages' scripts read them."""

    public_key: str | None
    api: str
    max_size: int | None
    is_scanned: bool
    uploadcare: bool
    version: str
    openapi: str


def page_routes(settings: PageSettings) -> list[Route]:
    """Routes of `/`, `/docs/`, `/favicon.*` and `/assets/...`; to be placed before those that match any path."""
    told = _Told(
        public_key=settings.public_key,
        api=settings.api,
        max_size=settings.max_size,
        is_scanned=settings.is_scanned,
        uploadcare=settings.uploadcare,
        version=settings.version,
        openapi=settings.api + OPENAPI_PATH,
    )
    attribute = html.escape(msgspec.json.encode(told).decode(), quote=True)
    policy = {"Content-Security-Policy": content_policy(settings), **_ALWAYS}

    def page(name: str) -> Callable[[Request], Awaitable[Response]]:
        text = (STATIC / name).read_text("utf-8").replace(_PLACE, attribute)
        return _served(text.encode(), "text/html; charset=utf-8", policy)

    return [
        Route("/", page("start.html")),
        Route("/docs", _to_docs),
        Route("/docs/", page("docs.html")),
        Route("/favicon.ico", _file(STATIC / "favicon.ico")),
        Route("/favicon.svg", _file(STATIC / "favicon.svg")),
        *(
            Route(f"/assets/{path.name}", _file(path))
            for path in sorted(STATIC.iterdir())
            if path.suffix in {".css", ".js", ".svg"}
        ),
    ]


def content_policy(settings: PageSettings) -> str:
    """Scripts and styles from our own files only; pictures and requests also from where files are kept.

    `require-trusted-types-for` makes the browser itself refuse text as markup, so that a file's name stays text.
    """
    reached = " ".join(dict.fromkeys(["'self'", *filter(None, [settings.api, settings.cdn, *settings.storage])]))
    pictures = " ".join(dict.fromkeys(["'self'", "data:", "blob:", *filter(None, [settings.cdn])]))
    return "; ".join(
        [
            "default-src 'self'",
            f"img-src {pictures}",
            f"connect-src {reached}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ]
    )


async def _to_docs(request: Request) -> Response:
    return RedirectResponse("/docs/", status_code=308)


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    return _served(path.read_bytes(), _media_type(path), _ALWAYS)


def _media_type(path: Path) -> str:
    match path.suffix:
        case ".js":
            return "text/javascript; charset=utf-8"
        case ".ico":
            return "image/x-icon"
        case suffix:
            media_type = mimetypes.types_map[suffix]
            return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _served(content: bytes, media_type: str, headers: Mapping[str, str]) -> Callable[[Request], Awaitable[Response]]:
    """Answers with `content`, or 304 to who has it already."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    marked = {**headers, "ETag": etag}

    async def serve(request: Request) -> Response:
        if _knows(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=marked)
        return Response(content, media_type=media_type, headers=marked)

    return serve


def _knows(if_none_match: str, etag: str) -> bool:
    """Weak comparison, as RFC 9110 13.1.2 wants it: a compressing proxy weakens ETags."""
    return any(one.strip().removeprefix("W/") in (etag, "*") for one in if_none_match.split(","))
