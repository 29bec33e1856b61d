"""Around every request: an id, one log line, counters, and a last answer for what nobody foresaw."""

from __future__ import annotations

import os
import re
import time
from typing import Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longshore.core.errors import Problem
from longshore.http.kit.problems import problem_response
from longshore.http.metrics import Metrics

log = structlog.get_logger()

_GIVEN_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")


class Unforeseen(Problem):
    """A mistake of ours. The log has the whole story under the request's id."""

    code = "unforeseen"
    title = "Something went wrong on our side; it has been logged"


class RequestLog(Protocol):
    """Writes the line of one answered request."""

    def __call__(self, *, method: str, path: str, status: int, seconds: float, request_id: str) -> None: ...


class Around:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, metrics: Metrics, request_log: RequestLog | None) -> None:
        self._app = app
        self._metrics = metrics
        self._request_log = request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        self._metrics.in_flight += 1
        # Not undone: a request runs in a task, and so in a context, of its own.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, sending)
        except Exception:
            log.exception("request.crashed", path=scope["path"])
            if status == 0:
                await problem_response(Unforeseen())(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.in_flight -= 1
            self._metrics.record(scope.get("api", "other"), status, seconds)
            if self._request_log is not None:
                # Never the query: signed URLs and tokens live there.
                self._request_log(
                    method=scope["method"], path=scope["path"], status=status, seconds=seconds, request_id=request_id
                )


def _request_id(scope: Scope) -> str:
    """What the proxy in front called it, or a new id."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN_ID.fullmatch(value):
            return value.decode()
    digits = os.urandom(16).hex()  # a version 4 UUID, in a fifth of the time that `uuid4` takes
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
