"""One call of the REST API, and the ways to answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from longshore.core.principal import Server

MEDIA_TYPE = "application/vnd.uploadcare-v0.7+json"
"""Never with a charset: the JS client compares it exactly (contract 2.1)."""


@dataclass(frozen=True, slots=True)
class RestCall:
    """One authenticated request. `query` and `path` are decoded; `parameters` has the query's pairs in their order."""

    server: Server
    path: Mapping[str, str]
    parameters: tuple[tuple[str, str], ...]
    content_type: str
    body: bytes

    def query(self, name: str) -> str | None:
        return next((value for key, value in reversed(self.parameters) if key == name), None)

    def json(self) -> object:
        """The body as JSON. Raises RestError."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RestError(400, f"JSON parse error - {error}") from error


Endpoint = Callable[[RestCall], Awaitable[Response]]
Table = Mapping[str, Mapping[str, Endpoint]]
"""Paths, with `{name}` for a segment, and what answers for each method there."""


class RestError(Exception):
    """`body` is the whole answer; a text stands for `{"detail": text}`."""

    def __init__(self, status: int, body: str | Mapping[str, object], retry_after: int | None = None) -> None:
        self.status = status
        self.body = {"detail": body} if isinstance(body, str) else body
        self.retry_after = retry_after
        super().__init__(str(body))


def answer(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE)


def no_content() -> Response:
    return Response(status_code=204)
