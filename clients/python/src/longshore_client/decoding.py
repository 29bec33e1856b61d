"""From JSON to frozen dataclasses, forgiving what a newer server adds and an older one leaves out."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from longshore_client.errors import UnexpectedAnswer

T = TypeVar("T")


def decode(kind: type[T], body: object) -> T:
    """`body` as the dataclass `kind`: unknown members are ignored, absent ones take the field's default.

    Raises UnexpectedAnswer naming the member that is missing or of the wrong type.
    """
    return cast("T", _dataclass(kind, body, kind.__name__))


@lru_cache(maxsize=64)
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _dataclass(kind: type[Any], body: object, where: str) -> object:
    if not isinstance(body, dict):
        raise UnexpectedAnswer(f"{where}: an object was expected, not {type(body).__name__}")
    members = cast("dict[str, object]", body)
    hints = _hints(kind)
    values: dict[str, object] = {}
    for field in dataclasses.fields(kind):
        if field.name in members:
            values[field.name] = _value(hints[field.name], members[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UnexpectedAnswer(f"{where}.{field.name} is missing")
    return kind(**values)


def _value(hint: Any, value: object, where: str) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _value(next(one for one in arguments if one is not type(None)), value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(arguments[0], one, where) for one in cast("list[object]", value))
    if origin is Mapping and isinstance(value, dict):
        return {key: _value(arguments[1], one, where) for key, one in cast("dict[str, object]", value).items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(hint, value, where)
    if hint is datetime and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise UnexpectedAnswer(f"{where} is not a time") from None
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return cast("object", value)
    raise UnexpectedAnswer(f"{where} is not what was expected ({type(value).__name__})")
