"""Logs: one line an event, coloured on a terminal and JSON elsewhere. Written to standard error's sibling, stdout."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec
import structlog

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
    console = settings.format == "console" or (settings.format == "auto" and sys.stdout.isatty())
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
