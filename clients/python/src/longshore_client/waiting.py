"""Waiting for the end of a check: by server-sent events while they come, else by asking again and again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from longshore_client.decoding import decode
from longshore_client.errors import ProblemError, TransportError, UnexpectedAnswer
from longshore_client.results import UploadStatus
from longshore_client.retries import Retries
from longshore_client.transport import Transport

SILENCE_S = 20.0
"""The server tells something every two seconds; after this long without a word the stream is dead."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_STREAMS = 3
_MAX_LINE = 4 * 1024 * 1024

Heard = Callable[[UploadStatus], None]


class EventParser:
    """Server-sent events out of pieces of bytes (WHATWG HTML 9.2.6); ids and retry times are not ours to use."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[tuple[str, str]]:
        """The events that `piece` completes, as name and data. Raises UnexpectedAnswer for a line without an end."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _MAX_LINE:
            raise UnexpectedAnswer("A line of the event stream has no end")
        events: list[tuple[str, str]] = []
        for raw in lines:
            line = raw.removesuffix(b"\r").decode("utf-8", "replace")
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "" if not line:
                    if self._data or self._event:
                        events.append((self._event or "message", "\n".join(self._data)))
                    self._event, self._data = "", []
                case "event":
                    self._event = value
                case "data":
                    self._data.append(value)
                case _:
                    pass
        return events


async def settled(
    transport: Transport, retries: Retries, upload_id: str, bearer: str | None, status: UploadStatus, heard: Heard
) -> UploadStatus:
    """The status of a confirmed upload once its check is over; `heard` is told of every one on the way.

    `status` is the latest that is known. Waits for ever: time limits are the caller's. Raises ProblemError, and
    TransportError when the server does not answer at all any more.
    """
    streams, pause = _STREAMS, _FIRST_PAUSE
    while not status.is_settled:
        if streams:
            streams -= 1
            latest = await _listened(transport, upload_id, bearer, heard)
            if latest is not None and latest.is_settled:
                return latest
        else:
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.5)
        status = await looked_at(transport, retries, upload_id, bearer)
        heard(status)
    return status


async def looked_at(transport: Transport, retries: Retries, upload_id: str, bearer: str | None) -> UploadStatus:
    """Raises ProblemError, TransportError."""
    return decode(
        UploadStatus, await retries.run(lambda: transport.call("GET", f"/uploads/{upload_id}", bearer=bearer))
    )


async def _listened(transport: Transport, upload_id: str, bearer: str | None, heard: Heard) -> UploadStatus | None:
    """The last status that the stream told, None when it told nothing; why it ended does not matter."""
    latest: UploadStatus | None = None
    parser = EventParser()
    try:
        async with transport.stream(f"/uploads/{upload_id}/events", bearer=bearer, silence=SILENCE_S) as stream:
            async for piece in stream.iter_any():
                for event, data in parser.feed(piece):
                    if event == "end":
                        return latest
                    if event == "status":
                        latest = decode(UploadStatus, json.loads(data))
                        heard(latest)
                        if latest.is_settled:
                            return latest
    except (ProblemError, TransportError, UnexpectedAnswer, ValueError):
        # Asking for the status comes next, and tells what is really wrong if something is.
        return latest
    return latest
