"""The URL API: `/<uuid>/[-/operations/][filename]` (contract 3). Written against ASGI itself: this is the hot path."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from longshore.core.errors import Busy, Problem
from longshore.core.file import File, FileNotFound, FileState
from longshore.core.ids import FileId, parse_file_id
from longshore.core.imaging.grammar import Directive
from longshore.core.imaging.negotiate import accept_class
from longshore.core.kind import Visibility
from longshore.core.media import OCTET_STREAM, SAFE_INLINE
from longshore.core.names import content_disposition, sanitize
from longshore.core.ranges import UnsatisfiableRange, parse_range
from longshore.core.time import Clock
from longshore.core.urls import check_delivery_token
from longshore.http.kit.problems import retry_after, status_of
from longshore.ports.derived import Derived
from longshore.ports.storage import ObjectMissing
from longshore.services.delivery import Delivery, Wanted
from longshore.services.files import Files
from longshore.services.projects import TimedCache

WAIT_FOR_CHECK = timedelta(seconds=5)
"""How long a request waits for a file that is still being checked, before it answers 404 (decision 12)."""

#: `/<uuid>` and what follows it; matched on the raw path, whose `%2F` is not a slash.
PATH = re.compile(
    rb"/([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(?:/(.*))?", re.DOTALL
)

_WHOLE = 256 * 1024
"""Originals up to this size are answered in one piece; larger ones are streamed."""
_YEAR = 365 * 24 * 3600
_CORS: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "HEAD, GET, OPTIONS",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag, Retry-After",
}
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_RAW_COMMON = [
    *((name.lower().encode(), value.encode()) for name, value in _CORS.items()),
    (b"x-content-type-options", b"nosniff"),
]
_PUBLIC, _PRIVATE = f"public, max-age={_YEAR}, immutable", "private, max-age=300"


class DeliveryApi:
    """An ASGI application for paths that `PATH` matches."""

    def __init__(self, *, files: Files, delivery: Delivery, clock: Clock, wait: timedelta = WAIT_FOR_CHECK) -> None:
        self._files = files
        self._delivery = delivery
        self._clock = clock
        self._wait = wait
        self._heads = TimedCache[tuple[str, Directive], _Heads](clock, timedelta(hours=1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        if method == "OPTIONS":
            await Response(status_code=204, headers={**_CORS, "Access-Control-Max-Age": "600"})(scope, receive, send)
            return
        if method not in ("GET", "HEAD"):
            answer = _page(405, "Method Not Allowed", f"{method} is not allowed here.", {"Allow": "HEAD, GET, OPTIONS"})
            await answer(scope, receive, send)
            return
        try:
            await self._deliver(scope, receive, send)
        except Problem as problem:
            await _refusal(problem)(scope, receive, send)

    async def _deliver(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = PATH.fullmatch(scope["raw_path"].partition(b"?")[0])
        file_id = parse_file_id(match[1].decode()) if match else None
        if match is None or file_id is None:
            raise FileNotFound
        rest = (match[2] or b"").decode("latin-1")
        file = self._files.known(file_id) or await self._settled(file_id)
        if file.visibility is Visibility.PRIVATE:
            self._check_token(scope, file)
        directive = self._delivery.directive(rest)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if directive.is_original:
            answer = await self._original(file, directive, headers)
            await answer(scope, receive, send)
            return
        accept = accept_class(headers.get(b"accept", b"").decode("latin-1"))
        # Asked every time: an overlay may have been removed since the result was made.
        overlays = await self._delivery.overlays(file, directive, self._files) if directive.overlays else None
        wanted = self._delivery.wanted(file, rest, accept, overlays)
        result = self._delivery.cached(wanted) or await self._delivery.result(file, wanted)
        await self._send_result(scope, send, file, directive, wanted, result, headers)

    async def _settled(self, file_id: FileId) -> File:
        """The ready file, waiting a little for its check. Raises FileNotFound."""
        file = await self._files.settled(file_id, self._wait)
        if file is None or file.state is not FileState.READY:
            raise FileNotFound
        return file

    def _check_token(self, scope: Scope, file: File) -> None:
        """Raises DeliveryTokenInvalid."""
        query: bytes = scope["query_string"]
        token = parse_qs(query.decode("latin-1")).get("token", [None])[-1]
        path = unquote(scope["raw_path"].partition(b"?")[0].decode("latin-1"))
        check_delivery_token(self._files.delivery_secret(file.project_id), token, path, self._clock.now())

    # -- transformed ---------------------------------------------------------------------------------------------------

    async def _send_result(
        self,
        scope: Scope,
        send: Send,
        file: File,
        directive: Directive,
        wanted: Wanted,
        result: Derived,
        headers: Mapping[bytes, bytes],
    ) -> None:
        heads = self._heads.get((result.key, directive))
        if heads is None:
            heads = self._heads.put((result.key, directive), _heads(file, directive, wanted, result))
        if _matches(headers.get(b"if-none-match"), heads.etag):
            await _send(send, 304, heads.unchanged, b"")
            return
        body = result.body if result.body is not None else await self._body(file, wanted, result)
        length = (b"content-length", str(len(body)).encode())
        await _send(send, 200, [*heads.whole, length], b"" if scope["method"] == "HEAD" else body)

    async def _body(self, file: File, wanted: Wanted, result: Derived) -> bytes:
        try:
            return await asyncio.to_thread(Path(result.path).read_bytes)
        except FileNotFoundError:
            # Evicted a moment ago: make it again.
            again = await self._delivery.result(file, wanted)
            return again.body if again.body is not None else await asyncio.to_thread(Path(again.path).read_bytes)

    # -- originals -----------------------------------------------------------------------------------------------------

    async def _original(self, file: File, directive: Directive, headers: Mapping[bytes, bytes]) -> Response:
        etag = f'"{file.digests.md5 if file.digests else file.seal}"'
        modified = (file.ready_at or file.uploaded_at).replace(microsecond=0)
        answer = self._original_headers(file, directive, etag, modified)
        if _not_modified(headers, etag, modified):
            return Response(status_code=304, headers=answer)
        asked = headers.get(b"range", b"").decode("latin-1")
        if asked and not _range_holds(headers.get(b"if-range"), etag, modified):
            asked = ""
        try:
            part = parse_range(asked, file.size)
        except UnsatisfiableRange:
            refused = {**answer, "Content-Range": f"bytes */{file.size}", "Cache-Control": "no-store"}
            return Response(status_code=416, headers=refused)
        length = part.length if part else file.size
        answer["Content-Length"] = str(length)
        if part:
            answer["Content-Range"] = part.content_range(file.size)
        pieces = self._delivery.original(file, part)
        status = 206 if part else 200
        if length <= _WHOLE:
            return Response(b"".join([piece async for piece in pieces]), status_code=status, headers=answer)
        return StreamingResponse(_begun(await anext(pieces), pieces), status_code=status, headers=answer)

    def _original_headers(self, file: File, directive: Directive, etag: str, modified: datetime) -> dict[str, str]:
        """Type from our own detection; what could run as script never does so in this origin (design 8)."""
        media_type = file.detected_type or OCTET_STREAM
        is_safe = media_type in SAFE_INLINE
        inline = directive.inline if directive.inline is not None else is_safe
        name = directive.filename or sanitize(file.name)
        headers = {
            **_CORS,
            "Content-Type": media_type,
            "Content-Disposition": content_disposition("inline" if inline else "attachment", _last(name)),
            "X-Content-Type-Options": "nosniff",
            "Accept-Ranges": "bytes",
            "ETag": etag,
            "Last-Modified": format_datetime(modified.astimezone(UTC), usegmt=True),
            "Cache-Control": _PUBLIC if file.visibility is Visibility.PUBLIC else _PRIVATE,
            "Cache-Tag": str(file.id),
        }
        if not is_safe:
            headers["Content-Security-Policy"] = _SANDBOX
        return headers


@dataclass(frozen=True, slots=True)
class _Heads:
    """The headers of one result, put together once: for a 304, and for a 200 without its length."""

    etag: bytes
    unchanged: list[tuple[bytes, bytes]]
    whole: list[tuple[bytes, bytes]]


def _heads(file: File, directive: Directive, wanted: Wanted, result: Derived) -> _Heads:
    """A result's key says which file it is of, and a file's name and visibility never change."""
    etag = f'"{result.etag}"'.encode()
    unchanged = [
        *_RAW_COMMON,
        (b"etag", etag),
        (b"cache-control", (_PUBLIC if file.visibility is Visibility.PUBLIC else _PRIVATE).encode()),
        (b"cache-tag", str(file.id).encode()),
    ]
    if wanted.choice.varies:
        unchanged.append((b"vary", b"Accept"))
    kind = "attachment" if directive.inline is False else "inline"
    name = directive.filename or _renamed(file.name, result.content_type)
    whole = [
        *unchanged,
        (b"content-type", result.content_type.encode()),
        (b"content-disposition", content_disposition(kind, _last(name)).encode("latin-1", "replace")),
    ]
    return _Heads(etag, unchanged, whole)


async def _begun(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The first piece was read before the status was sent, so that missing bytes are a 404 and not a broken body."""
    yield first
    async for piece in rest:
        yield piece


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _matches(if_none_match: bytes | None, etag: bytes) -> bool:
    """Weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")}
    return etag in tags or b"*" in tags


def _not_modified(headers: Mapping[bytes, bytes], etag: str, modified: datetime) -> bool:
    if_none_match = headers.get(b"if-none-match")
    if if_none_match is not None:
        return _matches(if_none_match, etag.encode())
    since = _date(headers.get(b"if-modified-since"))
    return since is not None and modified <= since


def _range_holds(if_range: bytes | None, etag: str, modified: datetime) -> bool:
    """Strong comparison (RFC 9110, 13.1.5)."""
    if if_range is None:
        return True
    return if_range.strip() == etag.encode() if b'"' in if_range else _date(if_range) == modified


def _date(header: bytes | None) -> datetime | None:
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header.decode("latin-1"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _last(name: str) -> str:
    """Free text from a URL as a name to download as: no folders, no control characters."""
    return "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable()) or "file"


def _renamed(name: str, media_type: str) -> str:
    """The sanitized name with the extension of what it became."""
    return (
        f"{sanitize(name).rpartition('.')[0] or sanitize(name)}.{media_type.rpartition('/')[2].replace('jpeg', 'jpg')}"
    )


def _refusal(problem: Problem) -> Response:
    """This API's dialect: an HTML page with the sentence; deterministic refusals may be cached for a while."""
    if isinstance(problem, ObjectMissing):
        problem = FileNotFound()
    status = status_of(problem)
    if status == 415:
        status = 400
    title = {400: "Bad Request", 403: "Forbidden", 404: "Not Found"}.get(status, problem.title)
    cache = "public, max-age=3600" if status == 400 and not isinstance(problem, Busy) else "no-store"
    return _page(status, title, problem.detail, {"Cache-Control": cache, **retry_after(problem)})


def _page(status: int, title: str, sentence: str, headers: Mapping[str, str]) -> Response:
    body = (
        f"<!doctype html><html><head><meta charset=utf-8><title>{status}: {html.escape(title)}</title></head>"
        f"<body><h3>{html.escape(title)}</h3><p>{html.escape(sentence)}</p></body></html>"
    )
    common = {**_CORS, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": _SANDBOX}
    return Response(body, status_code=status, media_type="text/html", headers={**common, **headers})
