"""The whole web face: chooses an API by the raw path, each with its own dialect of errors, methods and CORS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from longshore.http.delivery import PATH
from longshore.http.kit.problems import RouteNotFound, problem_response
from longshore.http.native.table import PREFIX


@dataclass(frozen=True, slots=True)
class Mounted:
    """An API with the beginnings of its paths: `/files` covers `/files` and `/files/...`, not `/filesystem`."""

    name: str
    prefixes: tuple[bytes, ...]
    app: ASGIApp


class Application:
    """Routes on `raw_path`, because `path` has `%2F` decoded (decision 29)."""

    def __init__(
        self, *, native: ASGIApp, delivery: ASGIApp, storage: ASGIApp | None, mounted: Sequence[Mounted]
    ) -> None:
        self._native = native
        self._delivery = delivery
        self._storage = storage
        self._mounted = {prefix: api for api in mounted for prefix in api.prefixes}
        self._native_prefix = PREFIX.encode() + b"/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app, scope["api"] = self._chosen(scope["raw_path"])
        await app(scope, receive, send)

    def _chosen(self, raw_path: bytes) -> tuple[ASGIApp, str]:
        if raw_path.startswith(self._native_prefix):
            return self._native, "native"
        if PATH.fullmatch(raw_path.partition(b"?")[0]):
            return self._delivery, "delivery"
        first = b"/" + raw_path[1:].partition(b"?")[0].partition(b"/")[0]
        if first == b"/storage" and self._storage is not None:
            return self._storage, "storage"
        api = self._mounted.get(first)
        return (api.app, api.name) if api is not None else (_nothing, "other")


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    answer: Response = problem_response(RouteNotFound())
    await answer(scope, receive, send)
