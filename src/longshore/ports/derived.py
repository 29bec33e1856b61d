"""Derived results: what rendering made, kept so that it is made once."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from longshore.core.ids import FileId


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A finished result, whole in memory when `body` is set (small ones), else to be read from `path`."""

    key: str
    content_type: str
    size: int
    width: int
    height: int
    made_at: datetime
    body: bytes | None
    path: str

    @property
    def etag(self) -> str:
        """Strong and unquoted, made from the key: the key already says everything that the bytes depend on."""
        return self.key[:32]


class Draft(Protocol):
    """A result in the making: write to the descriptor, then commit. Left without commit, nothing stays."""

    fd: int

    async def commit(self, *, content_type: str, width: int, height: int) -> Derived:
        """Make it visible, whole, under its key. Raises StorageFull."""
        ...


class DerivedStore(Protocol):
    """Results by key, grouped by file so that they can be dropped together. Bounded in bytes; the least recently used
    go first. Never answers a truncated result."""

    def cached(self, file_id: FileId, key: str) -> Derived | None:
        """From memory only, without waiting: the hot path. None when it is not there, though `get` may find it."""
        ...

    async def get(self, file_id: FileId, key: str) -> Derived | None: ...

    def draft(self, file_id: FileId, key: str) -> AbstractAsyncContextManager[Draft]:
        """Raises StorageFull."""
        ...

    async def drop(self, file_id: FileId) -> None:
        """Forget all results of a file. Safe to repeat."""
        ...
