"""The native API's own description: what `/api/v1/openapi.json` answers and `/docs/` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from longshore import __version__
from longshore.http.kit.openapi import Extra, openapi
from longshore.http.kit.operation import Operation, Parameter
from longshore.http.native.bodies import BatchAnswer
from longshore.http.native.table import PREFIX

_INTRODUCTION = """\
An upload takes three calls: ask for it, send the bytes with the signed request in the answer, confirm. Then follow \
the check by events or by asking again; once the file is `ready`, its URLs work.

Bodies are JSON. Times are ISO 8601 in UTC, sizes are bytes, dimensions are pixels. Unknown fields are refused. \
Whatever goes wrong is answered as problem details (RFC 9457) with a stable `code`."""

#: What the lines of the table do not say.
_EXTRAS: Mapping[str, Extra] = {
    "requestUpload": Extra(
        answers={200: BatchAnswer},
        headers=(
            Parameter(
                name="Idempotency-Key",
                about="1 to 255 characters of your choice. The same request with the same key is answered with the "
                "same uploads, however often it is sent",
            ),
        ),
    ),
}


def native_reference(operations: Sequence[Operation], *, server_url: str) -> dict[str, Any]:
    """`server_url` is the API's public base, without a trailing slash."""
    return openapi(
        operations,
        prefix=PREFIX,
        title="Longshore API",
        version=__version__,
        server_url=server_url,
        description=_INTRODUCTION,
        extras=_EXTRAS,
    )
