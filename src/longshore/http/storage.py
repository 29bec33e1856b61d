"""`/storage/...`: where our own signed links lead when the store is a folder of ours.

Behaves like S3 towards who holds a link: PUT with the bytes as the body answers 200 with an ETag, POST with a form 204;
any web page may use a link. A refusal is a problem document; when it comes before the body has been read, the
connection closes instead of swallowing the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from longshore.core.errors import Problem
from longshore.core.sizes import announced_size
from longshore.http.kit.problems import MethodNotAllowed, problem_response
from longshore.http.multipart import Form, FormInvalid
from longshore.ports.storage import BodyIncomplete, BodyTooLarge, LinkGrant, LinkInvalid, LinkReceiver, Stored

_PREFIX = "/storage/"
_CORS: Mapping[str, str] = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}
_PREFLIGHT: Mapping[str, str] = {
    **_CORS,
    "Access-Control-Allow-Methods": "PUT, POST",
    "Access-Control-Allow-Headers": "Content-Type, If-None-Match, *",
    "Access-Control-Max-Age": "3600",
}
_ALLOW = "OPTIONS, POST, PUT"
_FIELDS, _FIELD_LENGTH = 8, 8192
#: What may follow the file in a form: the last boundary and a few bytes that senders like to add.
_TAIL = 4096


def routes(receiver: LinkReceiver, *, idle: timedelta = timedelta(seconds=60)) -> list[BaseRoute]:
    """The routes below `/storage/`. A sender who is silent for `idle` is given up."""
    return [Route("/storage/{key:path}", endpoint=StorageEndpoint(receiver, idle))]


class StorageEndpoint:
    """An ASGI application."""

    def __init__(self, receiver: LinkReceiver, idle: timedelta) -> None:
        self._receiver = receiver
        self._idle = idle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        body = _Body(receive, headers, self._idle)
        try:
            response = await self._answer(scope, headers, body)
        except Problem as problem:
            response = problem_response(problem, _CORS)
        if not body.is_done:
            response.headers["Connection"] = "close"
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, headers: Headers, body: _Body) -> Response:
        path = scope["raw_path"].decode("latin-1").removeprefix(scope.get("root_path", "")).removeprefix(_PREFIX)
        match scope["method"]:
            case "PUT":
                grant = self._receiver.verify_put(
                    path, _parse_query(scope["query_string"]), headers.get("content-type")
                )
                stored = await self._receiver.receive(grant, body.pieces(), announced=body.announced)
                return _stored(200, stored)
            case "POST" if not path:
                return _stored(204, await self._take_form(headers, body))
            case "OPTIONS":
                return Response(status_code=204, headers=_PREFLIGHT)
            case _:
                return problem_response(MethodNotAllowed(), {**_CORS, "Allow": _ALLOW})

    async def _take_form(self, headers: Headers, body: _Body) -> Stored:
        form = Form(headers.get("content-type"), body.pieces())
        fields: dict[str, str] = {}
        while (part := await form.next()) is not None:
            if part.name == "file":
                grant = self._receiver.verify_post(fields)
                _judge_form(grant, body)
                stored = await self._receiver.receive(grant, part, announced=None)
                await body.finish(_TAIL)
                return stored
            if part.name in fields or len(fields) == _FIELDS:
                raise LinkInvalid
            fields[part.name] = await part.text(_FIELD_LENGTH)
        raise FormInvalid("The form has no field `file`; it must be the last one")


class _Body:
    """The body of a request, to be read once. `announced` is its Content-Length."""

    def __init__(self, receive: Receive, headers: Headers, idle: timedelta) -> None:
        self._receive = receive
        self._idle = idle.total_seconds()
        length = headers.get("content-length")
        self.announced = None if length is None else announced_size(length)
        self.received = 0
        self.is_done = self.announced == 0 or (length is None and "transfer-encoding" not in headers)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """As they come from the connection. Raises BodyIncomplete when the sender leaves or falls silent."""
        while not self.is_done:
            try:
                async with asyncio.timeout(self._idle):
                    message = await self._receive()
            except TimeoutError as error:
                raise BodyIncomplete(f"No bytes arrived for {self._idle:.0f} seconds") from error
            if message["type"] != "http.request":
                raise BodyIncomplete
            self.is_done = not message.get("more_body", False)
            piece: bytes = message.get("body", b"")
            self.received += len(piece)
            if piece:
                yield piece

    async def finish(self, most: int) -> None:
        """Read what is left, if it is little; otherwise the connection has to go."""
        most += self.received
        async for _ in self.pieces():
            if self.received > most:
                return


def _judge_form(grant: LinkGrant, body: _Body) -> None:
    """What is left of the form is at least the file: refuse before reading what cannot fit. The first bytes of the file
    have been received already, hence the whole body is compared, less all that may surround the file."""
    limit = grant.constraints.size_max
    surrounding = _FIELDS * (_FIELD_LENGTH + 4096) + _TAIL
    if body.announced is not None and body.announced - surrounding > limit:
        raise BodyTooLarge(f"The link allows at most {limit} bytes", limit=limit)


def _stored(status: int, stored: Stored) -> Response:
    return Response(status_code=status, headers={**_CORS, "ETag": f'"{stored.etag}"', "Cache-Control": "no-store"})


def _parse_query(query: bytes) -> dict[str, str]:
    """Every parameter once, as `name=value`. Raises LinkInvalid."""
    parameters: dict[str, str] = {}
    for pair in query.decode("latin-1").split("&"):
        name, equals, value = pair.partition("=")
        if not equals or name in parameters:
            raise LinkInvalid
        parameters[name] = unquote(value)
    return parameters
