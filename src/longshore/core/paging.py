"""Cursors for our own lists: opaque to clients, paged by key."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar

from longshore.core.errors import Invalid

T = TypeVar("T")
MAX_PAGE = 1000


class BadCursor(Invalid):
    """A cursor that we did not make."""

    code = "bad-cursor"
    title = "The cursor is not one of ours; start the list again"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`items` in order; `cursor` continues after the last of them, None at the end."""

    items: tuple[T, ...]
    cursor: str | None


def encode_cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except (ValueError, binascii.Error) as e:
        raise BadCursor from e
