"""An operation of the native API is one line in a table. From it come decoding, statuses, OpenAPI and routing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from longshore.core.errors import Problem
from longshore.core.principal import Principal

B = TypeVar("B")


class Who(StrEnum):
    """Who may call. `ANYONE` holds any credentials that fit (the service decides further); `SERVER` a secret key."""

    ANYONE = "anyone"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Call(Generic[B]):
    """One decoded request. `path` holds the path's parameters, percent-decoded; `query` the last value of each name."""

    principal: Principal
    body: B
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    address: str | None


Handler = Callable[[Call[Any]], Awaitable[object]]
"""Answers a wire struct (encoded with the operation's status), a Response of its own, or None for 204."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A query parameter, for the description."""

    name: str
    about: str
    pattern: str = ".*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`path` has `{name}` for parameters. `body` and `answer` are msgspec types; None means there is none.
    `problems` lists the leaves a client may want to tell apart, besides those every operation can answer."""

    id: str
    method: str
    path: str
    summary: str
    handler: Handler
    who: Who = Who.ANYONE
    body: Any = None
    answer: Any = None
    status: int = 200
    problems: tuple[type[Problem], ...] = ()
    query: tuple[Parameter, ...] = ()
    tag: str = "uploads"
    answer_type: str = "application/json"
    decoder: msgspec.json.Decoder[Any] | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decoder", msgspec.json.Decoder(self.body) if self.body is not None else None)
