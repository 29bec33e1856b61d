"""Problems on the native wire: problem details (RFC 9457), and the status of each kind."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from longshore.core.errors import (
    Busy,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    PreconditionFailed,
    Problem,
    StorageFull,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unsupported,
)

#: The nearest class upwards wins.
STATUSES: Mapping[type[Problem], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    PreconditionFailed: 412,
    TooLarge: 413,
    Unsupported: 415,
    Throttled: 429,
    Busy: 503,
    StorageFull: 507,
    Problem: 500,
}

#: Leaves whose status is not their kind's.
LEAVES: Mapping[str, int] = {
    "unsatisfiable-range": 416,
    "method-not-allowed": 405,
    "object-missing": 404,
    "render-timeout": 422,
    "render-crashed": 422,
    "render-refused": 422,
    "broken-media": 422,
}

_encoder = msgspec.json.Encoder()


class MethodNotAllowed(Invalid):
    code = "method-not-allowed"
    title = "This method is not allowed here"


class RouteNotFound(NotFound):
    code = "route-not-found"
    title = "There is nothing at this path"


class BodyInvalid(Invalid):
    """The body is not the JSON that the operation wants; the sentence says where."""

    code = "body-invalid"
    title = "The request body is not valid"


class BodyTooLong(TooLarge):
    code = "body-too-long"
    title = "The request body is too long"


class QueryInvalid(Invalid):
    code = "query-invalid"
    title = "A query parameter is not valid"


def status_of(problem: Problem) -> int:
    leaf = LEAVES.get(problem.code)
    if leaf is not None:
        return leaf
    return next(STATUSES[kind] for kind in type(problem).__mro__ if kind in STATUSES)


def problem_object(problem: Problem, status: int | None = None) -> dict[str, object]:
    """The members of the problem details object; `code` repeats the end of `type` for those who switch on it."""
    return {
        "type": f"urn:longshore:problem:{problem.code}",
        "title": problem.title,
        "status": status or status_of(problem),
        "detail": problem.detail,
        "code": problem.code,
        **problem.fields,
    }


def retry_after(problem: Problem) -> Mapping[str, str]:
    """The `Retry-After` header; where the machine is at fault there always is one."""
    if problem.retry_after is not None:
        return {"Retry-After": str(max(1, math.ceil(problem.retry_after.total_seconds())))}
    return {"Retry-After": "2"} if isinstance(problem, Busy | Throttled) else {}


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    status = status_of(problem)
    return Response(
        _encoder.encode(problem_object(problem, status)),
        status_code=status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store", **retry_after(problem), **(headers or {})},
    )
