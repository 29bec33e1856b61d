"""The progress channel of one process."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

from longshore.core.ids import FileId
from longshore.ports.coordination import Progress

#: Far more than the steps of a file: reached only by a listener that has stopped listening.
_BACKLOG = 64


class LocalProgressChannel:
    """`ports.coordination.ProgressChannel`. To be used from one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[FileId, list[_Listener]] = {}

    def publish(self, progress: Progress) -> None:
        for listener in self._listeners.get(progress.file_id, ()):
            listener.hear(progress)

    @contextlib.asynccontextmanager
    async def subscribe(self, file_id: FileId) -> AsyncGenerator[AsyncIterator[Progress]]:
        listener = _Listener()
        self._listeners.setdefault(file_id, []).append(listener)
        try:
            yield listener
        finally:
            listeners = self._listeners[file_id]
            listeners.remove(listener)
            if not listeners:
                del self._listeners[file_id]


class _Listener:
    """An endless iterator. A percentage that was not heard before the next one of its step came is forgotten."""

    def __init__(self) -> None:
        self._waiting: deque[Progress] = deque(maxlen=_BACKLOG)
        self._heard = asyncio.Event()

    def hear(self, progress: Progress) -> None:
        last = self._waiting[-1] if self._waiting else None
        if last and last.step == progress.step and last.percent is not None and progress.percent is not None:
            self._waiting.pop()
        self._waiting.append(progress)
        self._heard.set()

    def __aiter__(self) -> AsyncIterator[Progress]:
        return self

    async def __anext__(self) -> Progress:
        while not self._waiting:
            self._heard.clear()
            await self._heard.wait()
        return self._waiting.popleft()
