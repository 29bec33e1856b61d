"""Problems: what can go wrong in a way that somebody outside has to be told about.

A problem has a *kind* (one of the classes here), and a *leaf* beside the noun it is about
(`class UploadExpired(Gone)`). It carries a stable `code`, a sentence for people and public fields. It has no
HTTP status: tables at the edges turn kinds (and, where a contract wants it, leaf codes) into statuses, job
outcomes and exit codes. A secret never enters a message.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar


class Problem(Exception):
    """Something the caller can be told. `fields` are public and JSON-safe; `retry_after` says when to try again."""

    code: ClassVar[str] = "problem"
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: timedelta | None = None,
        **fields: str | int | float | bool | list[str] | None,
    ) -> None:
        self.detail = detail or self.title
        self.fields = fields
        self.retry_after = retry_after
        super().__init__(self.detail)


class Invalid(Problem):
    """The request itself is wrong; sending it again unchanged cannot work."""

    code = "invalid"
    title = "The request is not valid"


class Unauthenticated(Problem):
    """Nobody we know, or proof that does not hold."""

    code = "unauthenticated"
    title = "Credentials are missing or wrong"


class Forbidden(Problem):
    """Somebody we know, who may not do this."""

    code = "forbidden"
    title = "This is not allowed"


class NotFound(Problem):
    """There is no such thing, or it is not yours to see."""

    code = "not-found"
    title = "There is no such thing"


class Gone(Problem):
    """It was there and is not any more."""

    code = "gone"
    title = "It is not there any more"


class Conflict(Problem):
    """The state of things does not allow it now."""

    code = "conflict"
    title = "This does not fit the present state"


class PreconditionFailed(Conflict):
    """A condition the caller set does not hold (HTTP 412)."""

    code = "precondition-failed"
    title = "The condition does not hold"


class TooLarge(Problem):
    """More bytes, pixels or items than allowed."""

    code = "too-large"
    title = "This is too large"


class Unsupported(Problem):
    """A type or feature that this place does not take."""

    code = "unsupported"
    title = "This type is not supported here"


class Throttled(Problem):
    """Too many requests; `retry_after` says when to come back."""

    code = "throttled"
    title = "Too many requests"


class Busy(Problem):
    """We are at fault and expect to recover: a full queue, a lock, a store that is away. Try again."""

    code = "busy"
    title = "Busy, try again shortly"


class StorageFull(Busy):
    """No room for the bytes (HTTP 507)."""

    code = "storage-full"
    title = "There is no room left for this"


class Upstream(Busy):
    """Something we depend on did not answer as it should; try again."""

    code = "upstream"
    title = "Something this depends on is not answering"
