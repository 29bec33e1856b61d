"""Logs: one line an event, coloured on a terminal and JSON elsewhere. Written to standard error's sibling, stdout."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec
import structlog

from longshore.http.middleware import RequestLog
from longshore.wiring.settings import LogSettings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_encoder = msgspec.json.Encoder(enc_hook=str)


T = TypeVar("T", contravariant=True)


class _Sink(Protocol[T]):
    def write(self, line: T, /) -> object: ...

    def flush(self) -> object: ...


class Unfailing(Generic[T]):
    """A stream whose disk may be full and whose reader may be gone: then lines are lost, not the work they tell of."""

    def __init__(self, sink: _Sink[T]) -> None:
        self._sink = sink

    def write(self, line: T) -> None:
        with contextlib.suppress(OSError):
            self._sink.write(line)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._sink.flush()


def configure(settings: LogSettings) -> None:
    """Set up structlog, and send the standard library's warnings through it."""
    console = _is_console(settings)
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    level = _LEVELS[settings.level]
    if console:
        structlog.configure(
            processors=[*common, structlog.dev.ConsoleRenderer()],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=structlog.PrintLoggerFactory(cast("Any", Unfailing(sys.stdout))),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[*common, structlog.processors.format_exc_info, _json],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=structlog.BytesLoggerFactory(cast("Any", Unfailing(sys.stdout.buffer))),
            cache_logger_on_first_use=True,
        )
    logging.basicConfig(level=max(level, logging.WARNING), format="%(levelname)s %(name)s %(message)s", force=True)


def _json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    return _encoder.encode(event)


def _is_console(settings: LogSettings) -> bool:
    return settings.format == "console" or (settings.format == "auto" and sys.stdout.isatty())


# -- requests ----------------------------------------------------------------------------------------------------------


class _RequestLine(msgspec.Struct):
    method: str
    path: str
    status: int
    duration_ms: float
    request_id: str
    event: str
    level: str
    timestamp: datetime


class _JsonRequestLog:
    """Request lines straight to JSON. A turn of the event loop writes its lines together: at thousands of requests a
    second structlog's processors and a system call for each line would cost a third of a cached delivery."""

    def __init__(self, sink: Unfailing[bytes]) -> None:
        self._sink = sink
        self._waiting: list[bytes] = []

    def __call__(self, *, method: str, path: str, status: int, seconds: float, request_id: str) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        line = _RequestLine(
            method, path, status, round(seconds * 1000, 2), request_id, "request", "info", datetime.now(UTC)
        )
        self._waiting.append(_encoder.encode(line))

    def _write(self) -> None:
        self._waiting.append(b"")
        lines = b"\n".join(self._waiting)
        self._waiting.clear()
        self._sink.write(lines)
        self._sink.flush()


def _console_request_log(*, method: str, path: str, status: int, seconds: float, request_id: str) -> None:
    structlog.get_logger().info(
        "request", method=method, path=path, status=status, duration_ms=round(seconds * 1000, 2), request_id=request_id
    )


def request_log(settings: LogSettings) -> RequestLog | None:
    """What writes a line for each request; None when none is wanted."""
    if not settings.requests or _LEVELS[settings.level] > logging.INFO:
        return None
    return _console_request_log if _is_console(settings) else _JsonRequestLog(Unfailing(sys.stdout.buffer))
