"""For those who run it: `/healthz` (alive), `/readyz` (able to work), `/metrics` (Prometheus)."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from longshore.core.errors import Problem

Check = Callable[[], Awaitable[str]]
"""Answers one readable line, or raises Problem."""


class OperationsApi:
    """`checks` are what this process cannot work without, by name."""

    def __init__(self, *, checks: Mapping[str, Check], registry: CollectorRegistry, metrics_token: str | None) -> None:
        self._checks = checks
        self._registry = registry
        self._metrics_token = metrics_token

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    async def readyz(self, _request: Request) -> Response:
        """503 when something is away. Names only: what exactly is wrong is told by `doctor` and the log."""
        states: dict[str, str] = {}
        for name, check in self._checks.items():
            try:
                await check()
                states[name] = "ok"
            except Problem as problem:
                states[name] = problem.code
        ready = all(state == "ok" for state in states.values())
        return JSONResponse(
            {"status": "ok" if ready else "not ready", "checks": states},
            status_code=200 if ready else 503,
            headers={"Cache-Control": "no-store", **({} if ready else {"Retry-After": "5"})},
        )

    async def metrics(self, request: Request) -> Response:
        """On loopback, or with the configured token (decision 8)."""
        if not (_is_loopback(request) or self._has_token(request)):
            return JSONResponse({"status": "forbidden"}, status_code=403)
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4")

    def _has_token(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self._metrics_token is not None and hmac.compare_digest(given.encode(), self._metrics_token.encode())


def _is_loopback(request: Request) -> bool:
    """Directly from this machine; what a proxy forwarded does not count."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
