"""What the answers of both APIs have in common, whatever they say."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import structlog
from starlette.responses import Response

from longshore.core.ids import Ids
from longshore.http.uploadcare.body import Body


def finished(response: Response, method: str, body: Body, headers: Mapping[str, str], ids: Ids) -> Response:
    """`response` with `headers` and the request's id; ends the connection when the request was not read to its end."""
    response.headers.update(headers)
    response.headers["X-Uploadcare-Request-Id"] = str(_request_id(ids))
    if not body.is_done:
        response.headers["Connection"] = "close"
    if method == "HEAD":
        response.body = b""  # the headers, the length among them, are those of GET
    return response


def _request_id(ids: Ids) -> UUID:
    """The id that the log knows the request by, if it has the form that this header always has."""
    try:
        return UUID(str(structlog.contextvars.get_contextvars().get("request_id", "")))
    except ValueError:
        return ids.uuid4()
