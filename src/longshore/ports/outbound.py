"""Requests to the outside. Every one goes through one guard against private addresses, redirects and rebinding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from longshore.core.errors import Forbidden, Invalid, Upstream


class AddressForbidden(Forbidden):
    """The URL leads to an address that is not public, and the operator has not allowed it."""

    code = "address-forbidden"
    title = "Only public addresses are allowed"


class BadUrl(Invalid):
    code = "bad-url"
    title = "The URL is not valid"


class NoAnswer(Upstream):
    """No HTTP answer: name not found, refused, cut, or too slow. `fields["reason"]` says which."""

    code = "no-answer"
    title = "The other side did not answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller(Protocol):
    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, within: timedelta) -> Answer:
        """POST once, following no redirect; the answer's body is cut at 64 KiB.

        Name resolution, the address check and the connection use the same address. Raises BadUrl, AddressForbidden,
        NoAnswer.
        """
        ...
