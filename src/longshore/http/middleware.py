"""Around every request: an id, one log line, counters, and a last answer for what nobody foresaw."""

from __future__ import annotations

import os
import re
import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longshore.core.errors import Problem
from longshore.http.kit.problems import problem_response

log = structlog.get_logger()

_GIVEN_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")


class Unforeseen(Problem):
    """A mistake of ours. The log has the whole story under the request's id."""

    code = "unforeseen"
    title = "Something went wrong on our side; it has been logged"


class Metrics:
    """What `/metrics` tells about requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter("longshore_requests", "Answered requests", ["api", "status"], registry=registry)
        self.seconds = Histogram(
            "longshore_request_seconds",
            "Seconds from a request's first byte to its answer's last",
            ["api"],
            registry=registry,
            buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60),
        )
        self.in_flight = Gauge("longshore_requests_in_flight", "Requests being answered", registry=registry)


class Around:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, log_requests: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._log_requests = log_requests
        self._counters: dict[tuple[str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

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

        self._metrics.in_flight.inc()
        tokens = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, sending)
        except Exception:
            log.exception("request.crashed", path=scope["path"])
            if status == 0:
                await problem_response(Unforeseen())(scope, receive, sending)
        finally:
            structlog.contextvars.reset_contextvars(**tokens)
            self._metrics.in_flight.dec()
            self._record(scope, status, time.perf_counter() - started, request_id)

    def _record(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        api: str = scope.get("api", "other")
        counter = self._counters.get((api, status))
        if counter is None:
            counter = self._counters[api, status] = self._metrics.requests.labels(api, str(status))
        counter.inc()
        histogram = self._histograms.get(api)
        if histogram is None:
            histogram = self._histograms[api] = self._metrics.seconds.labels(api)
        histogram.observe(seconds)
        if self._log_requests:
            # Never the query: signed URLs and tokens live there.
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                duration_ms=round(seconds * 1000, 2),
                request_id=request_id,
            )


def _request_id(scope: Scope) -> str:
    """What the proxy in front called it, or a new id."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN_ID.fullmatch(value):
            return value.decode()
    digits = os.urandom(16).hex()  # a version 4 UUID, in a fifth of the time that `uuid4` takes
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
