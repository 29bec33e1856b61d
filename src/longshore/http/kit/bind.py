"""From an ASGI request to an operation's handler and back. Written against ASGI itself: this is the hot path of
admissions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from longshore.core.errors import Problem
from longshore.core.ids import parse_file_id
from longshore.core.principal import GrantTooNarrow, Principal, Server
from longshore.http.kit.operation import Call, Operation, Who
from longshore.http.kit.problems import (
    BodyInvalid,
    BodyTooLong,
    MethodNotAllowed,
    RouteNotFound,
    problem_response,
)
from longshore.services.access import Access

MAX_BODY = 8 * 1024 * 1024
"""A batch of a thousand uploads with full metadata fits."""

DESCRIPTION = b"/openapi.json"

CORS: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, Location, X-Request-Id",
}
_PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, X-Requested-With",
    "Access-Control-Max-Age": "600",
}
_RAW_CORS = [(name.lower().encode(), value.encode()) for name, value in CORS.items()]
_PARAMETER = re.compile(r"\\\{(\w+)\\\}")

_encoder = msgspec.json.Encoder()


class NativeApi:
    """An ASGI application: the operations below `prefix`, with problem details for everything that goes wrong."""

    def __init__(
        self, prefix: str, operations: Sequence[Operation], access: Access, description: Mapping[str, object]
    ) -> None:
        """`description` is served as `/openapi.json` below the prefix."""
        self._prefix = prefix
        self._access = access
        self._description = _encoder.encode(description)
        self._fixed: dict[str, dict[str, Operation]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Operation]]] = []
        for operation in operations:
            self._place(operation)

    def _place(self, operation: Operation) -> None:
        if "{" not in operation.path:
            self._fixed.setdefault(operation.path, {})[operation.method] = operation
            return
        pattern = re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(operation.path)))
        for known, methods in self._patterns:
            if known.pattern == pattern.pattern:
                methods[operation.method] = operation
                return
        self._patterns.append((pattern, {operation.method: operation}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive, send)
        except Problem as problem:
            answer = problem_response(problem, CORS)
        if answer is not None:
            await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Response | None:
        raw_path: bytes = scope["raw_path"]
        if raw_path == self._prefix.encode() + DESCRIPTION and scope["method"] in ("GET", "HEAD"):
            return Response(self._description, media_type="application/json", headers=CORS)
        methods, parameters = self._methods(raw_path.decode("latin-1").partition("?")[0][len(self._prefix) :])
        method: str = scope["method"]
        if method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        operation = methods.get(method) or (methods.get("GET") if method == "HEAD" else None)
        if operation is None:
            problem = MethodNotAllowed(f"{method} is not allowed here", allowed=sorted(methods))
            return problem_response(problem, {**CORS, "Allow": ", ".join(sorted(methods))})
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query_string: bytes = scope["query_string"]
        query = dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)) if query_string else {}
        principal = await self._principal(operation, headers, query, parameters)
        body = await _body(operation, headers, receive)
        client: tuple[str, int] | None = scope.get("client")
        call: Call[Any] = Call(principal, body, parameters, query, headers, client[0] if client else None)
        outcome = await operation.handler(call)
        if isinstance(outcome, Response):
            for name, value in CORS.items():
                outcome.headers.setdefault(name, value)
            return outcome
        await _send_json(send, operation, outcome, is_head=method == "HEAD")
        return None

    def _methods(self, path: str) -> tuple[dict[str, Operation], dict[str, str]]:
        """Raises RouteNotFound."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                return methods, {name: unquote(value) for name, value in match.groupdict().items()}
        raise RouteNotFound

    async def _principal(
        self, operation: Operation, headers: Mapping[str, str], query: Mapping[str, str], path: Mapping[str, str]
    ) -> Principal:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        subject = parse_file_id(path["id"]) if "id" in path else None
        principal = await self._access.principal(
            bearer.strip() if scheme.lower() == "bearer" else None, query.get("pub_key"), subject
        )
        if operation.who is Who.SERVER and not isinstance(principal, Server):
            raise GrantTooNarrow("This needs a secret key")
        return principal


async def _body(operation: Operation, headers: Mapping[str, str], receive: Receive) -> Any:
    """The decoded body. Raises BodyInvalid, BodyTooLong."""
    if operation.decoder is None:
        return None
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BODY:
        raise BodyTooLong
    raw = await _received(receive)
    try:
        return operation.decoder.decode(raw or b"{}")
    except msgspec.ValidationError as e:
        raise BodyInvalid(f"The body is not what this operation takes: {e}") from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BodyInvalid(f"The body is not JSON: {e}") from e


async def _received(receive: Receive) -> bytes:
    message = await receive()
    raw: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if message["type"] == "http.disconnect":
            raise BodyInvalid("The request ended before its body had arrived")
        return raw
    pieces = [raw]
    size = len(raw)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyInvalid("The request ended before its body had arrived")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MAX_BODY:
            raise BodyTooLong
    return b"".join(pieces)


async def _send_json(send: Send, operation: Operation, outcome: object, *, is_head: bool) -> None:
    headers = [*_RAW_CORS, (b"cache-control", b"no-store")]
    if outcome is None:
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    body = _encoder.encode(outcome)
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": operation.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else body})
