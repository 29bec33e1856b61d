"""What can go wrong, as types: catch the few you handle, and `LongshoreError` for the rest.

`ProblemError` means that the server answered and said no; its leaves are what applications tell apart. `TransportError`
and `TimedOut` mean that we do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longshore_client.results import File


class LongshoreError(Exception):
    """Everything this package raises on its own. `upload_id`, when known, can be asked about later."""

    upload_id: str | None = None


class TransportError(LongshoreError):
    """No answer, although it was tried several times: no connection, cut off, or silent for too long."""


class TimedOut(LongshoreError, TimeoutError):
    """The time you allowed is over. Once an upload is confirmed its check goes on without us (`upload_id`)."""


class UnexpectedAnswer(LongshoreError):
    """The answer is not Longshore's: most often `base_url` leads somewhere else."""


class SourceChanged(LongshoreError):
    """What was to be sent changed while it was sent. Nothing of it stays on the server."""


class ProblemError(LongshoreError):
    """The server says no. `code` is stable and made for programs, `detail` a sentence for people.

    `status` is the HTTP status, None where the refusal came without one. `fields` are further public facts, such as
    `limit`. `retry_after` (seconds) is what the server asked for, if it did.
    """

    def __init__(
        self,
        code: str,
        status: int | None,
        detail: str,
        fields: Mapping[str, object] | None = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{detail} [{code}]")
        self.code = code
        self.status = status
        self.detail = detail
        self.fields: Mapping[str, object] = fields or {}
        self.retry_after = retry_after


class Refused(ProblemError):
    """The file did not pass its check. `state`: `quarantined` (malware), `rejected` (broken, or not what it was said to
    be) or `held` (could not be scanned); `code` and `detail` say why."""

    def __init__(
        self,
        code: str,
        status: int | None,
        detail: str,
        fields: Mapping[str, object] | None = None,
        *,
        retry_after: float | None = None,
        file: File | None = None,
    ) -> None:
        super().__init__(code, status, detail, fields, retry_after=retry_after)
        self.file = file
        self.state = file.state if file else None


class Invalid(ProblemError):
    """The request itself is wrong, or of a type that is not taken here (400, 415, 422)."""


class Unauthorized(ProblemError):
    """Credentials are missing, wrong or expired (401)."""


class Forbidden(ProblemError):
    """The credentials hold, but do not allow this (403)."""


class NotFound(ProblemError):
    """There is no such thing, any more, or it is not yours to see (404, 410)."""


class Conflict(ProblemError):
    """The state of things does not allow it now (409, 412)."""


class TooLarge(ProblemError):
    """More bytes than allowed; `fields` may name the `limit` (413)."""


class Throttled(ProblemError):
    """Too many requests, also after waiting (429)."""


class ServerBusy(ProblemError):
    """The server is at fault, also after waiting (5xx)."""


_BY_STATUS: Mapping[int, type[ProblemError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    413: TooLarge,
    415: Invalid,
    422: Invalid,
    429: Throttled,
}


def problem(status: int, body: Mapping[str, object], *, retry_after: float | None = None) -> ProblemError:
    """The error for problem details (RFC 9457); an unknown status or a body without a code is a plain one."""
    code = str(body.get("code") or f"http-{status}")
    detail = str(body.get("detail") or body.get("title") or f"The server answered {status}")
    fields = {name: value for name, value in body.items() if name not in ("type", "title", "status", "detail", "code")}
    if code == "file-refused":
        return Refused(code, status, detail, fields)
    kind = ServerBusy if status >= 500 else _BY_STATUS.get(status, ProblemError)
    return kind(code, status, detail, fields, retry_after=retry_after)
