"""Column values from what nouns hold, and back. See `tables` for the spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from longshore.core.time import from_micros, to_micros

_encoder = msgspec.json.Encoder()
_words = msgspec.json.Decoder(dict[str, str])
_numbers = msgspec.json.Decoder(dict[str, int])
_texts = msgspec.json.Decoder(tuple[str, ...])


def micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def moment(value: int | None) -> datetime | None:
    return None if value is None else from_micros(value)


def json(value: Any) -> str:
    """Any noun or container of plain values."""
    return _encoder.encode(value).decode()


def words_json(value: Mapping[str, str]) -> str:
    return _encoder.encode(dict(value)).decode() if value else "{}"


def words(text: str) -> dict[str, str]:
    return {} if text == "{}" else _words.decode(text)


def numbers(text: str) -> dict[str, int]:
    return _numbers.decode(text)


def texts(text: str) -> tuple[str, ...]:
    return _texts.decode(text)


def placeholders(prefix: str, values: Sequence[object]) -> dict[str, object]:
    """`{"prefix_0": ..., "prefix_1": ...}`, for statements that are made for a number of values."""
    return {f"{prefix}_{i}": value for i, value in enumerate(values)}
