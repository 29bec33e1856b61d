"""The REST API v0.7 (contract 2): who calls, which version, and the shape of errors. What the calls do stands in
`files.py` and `webhooks.py`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from longshore.core.errors import (
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    StorageFull,
    Throttled,
    TooLarge,
)
from longshore.core.file import FileRefused
from longshore.core.principal import Server
from longshore.core.sizes import MIB
from longshore.http.uploadcare.body import Body, RequestTooLarge
from longshore.http.uploadcare.call import MEDIA_TYPE, Endpoint, RestCall, RestError, answer, no_content
from longshore.http.uploadcare.files import FileCalls
from longshore.http.uploadcare.finish import finished
from longshore.http.uploadcare.paths import normal
from longshore.http.uploadcare.services import UploadcareServices
from longshore.http.uploadcare.signatures import is_recent, key_of_secret, key_of_signature
from longshore.http.uploadcare.webhooks import WebhookCalls

log = structlog.get_logger()

MAX_BODY = 1 * MIB
MAX_PARAMETERS = 100

_NO_VERSION = "Incorrect Accept header provided. Make sure to specify API version. Refer to REST API docs for details."
_SIMPLE, _SIGNED = "uploadcare.simple", "uploadcare"
_HEADERS: Mapping[str, str] = {
    "Vary": "Accept",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Robots-Tag": "noindex, nofollow, nosnippet, noarchive",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Cache-Control": "no-store",
    # Wider than the service's own. There are no cookies: who may call is decided by the signature alone.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, X-Uploadcare-Date, X-UC-User-Agent",
    "Access-Control-Expose-Headers": "Allow, Location, Retry-After, Warning, X-Uploadcare-Request-Id",
    "Access-Control-Max-Age": "600",
}


class RestApi:
    """An ASGI application for the paths below `REST_PREFIXES`."""

    def __init__(self, services: UploadcareServices) -> None:
        self._services = services
        tables = (*FileCalls(services).table().items(), *WebhookCalls(services).table().items())
        self._routes = [(_pattern(path), methods) for path, methods in tables]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        body = Body(receive, headers, idle=self._services.idle)
        allow = ""
        try:
            methods, path = self._route(normal(scope["raw_path"]))
            allow = ", ".join((*methods, *(("HEAD",) if "GET" in methods else ()), "OPTIONS"))
            response = await self._answer(scope, headers, body, methods, path)
        except RestError as error:
            response = _error_response(error)
        except Problem as problem:
            error = error_of(problem)
            if error.status == 500:
                await log.aerror("uploadcare.failed", path=scope["path"], reason=problem.detail)
            response = _error_response(error)
        except Exception:  # noqa: BLE001 -- a bug, logged whole; the answer keeps this API's shape
            await log.aexception("uploadcare.failed", path=scope["path"])
            response = _error_response(_internal())
        every = {**_HEADERS, "Allow": allow, "Access-Control-Allow-Methods": allow} if allow else _HEADERS
        await finished(response, scope["method"], body, every, self._services.ids)(scope, receive, send)

    def _route(self, path: str) -> tuple[Mapping[str, Endpoint], Mapping[str, str]]:
        for pattern, methods in self._routes:
            match = pattern.fullmatch(path)
            if match is not None:
                return methods, {name: unquote(value) for name, value in match.groupdict().items()}
        raise RestError(404, "Not found.")

    async def _answer(
        self, scope: Scope, headers: Headers, body: Body, methods: Mapping[str, Endpoint], path: Mapping[str, str]
    ) -> Response:
        method: str = scope["method"]
        if method == "OPTIONS":
            return no_content()
        if not _accepts(headers.get("accept", "")):
            raise RestError(406, _NO_VERSION)
        received = await body.whole(MAX_BODY)
        server = await self._server(scope, headers, received)
        endpoint = methods.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            raise RestError(405, f'Method "{method}" not allowed.')
        query: bytes = scope["query_string"]
        try:
            pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
        except ValueError as error:
            raise RestError(400, "The request contains too many parameters.") from error
        return await endpoint(RestCall(server, path, tuple(pairs), headers.get("content-type", ""), received))

    # -- who calls (contract 2.2) --------------------------------------------------------------------------------------

    async def _server(self, scope: Scope, headers: Headers, body: bytes) -> Server:
        """Raises RestError in the contract's words."""
        scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() not in (_SIMPLE, _SIGNED):
            raise RestError(401, "Authentication credentials were not provided.")
        is_simple = scheme.lower() == _SIMPLE
        if is_simple and scope["scheme"] != "https" and not self._services.simple_over_http:
            raise RestError(
                400, "Simple authentication over HTTP is forbidden. Please, use HTTPS or signed requests instead."
            )
        public_key, colon, proof = credentials.strip().partition(":")
        if not colon or not public_key or not proof:
            raise RestError(401, "Incorrect authentication credentials.")
        project = await self._services.projects.by_public_key(public_key)
        if project is None:
            raise RestError(401, f"Public key {public_key} not found.")
        keys = await self._services.projects.secrets(project)
        if is_simple:
            key, failure = key_of_secret(proof, keys), "Secret key not found."
        else:
            date = headers.get("x-uploadcare-date") or headers.get("date", "")
            if not is_recent(date, self._services.clock.now()):
                raise RestError(401, "Incorrect authentication credentials.")
            key = key_of_signature(
                proof,
                keys,
                method=scope["method"],
                body=body,
                content_type=headers.get("content-type", ""),
                date=date,
                uri=_raw_uri(scope),
            )
            failure = "Invalid signature. Please check your Secret key."
        if key is None:
            raise RestError(401, failure)
        return Server(project=project, key_id=key.id)


def error_of(problem: Problem) -> RestError:
    """What a problem from below is called here."""
    match problem:
        case Throttled():
            wait = _seconds(problem, 10)
            return RestError(429, f"Request was throttled. Expected available in {wait} seconds.", wait)
        case NotFound() | FileRefused():
            return RestError(404, "Not found.")
        case StorageFull():
            return RestError(507, problem.detail, _seconds(problem, 60))
        case Busy():
            return RestError(503, problem.detail, _seconds(problem, 5))
        case RequestTooLarge() | TooLarge():
            return RestError(413, problem.detail)
        case Conflict():
            return RestError(409, problem.detail)
        case Invalid():
            return RestError(400, problem.detail)
        case Forbidden():
            return RestError(403, problem.detail)
        case _:
            return _internal()


def _internal() -> RestError:
    return RestError(500, "Internal server error.")


def _error_response(error: RestError) -> Response:
    response = answer(error.body, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _seconds(problem: Problem, usual: int) -> int:
    return math.ceil(problem.retry_after.total_seconds()) if problem.retry_after else usual


def _accepts(accept: str) -> bool:
    """Whether the version stands among the media types of an `Accept` header."""
    return any(part.partition(";")[0].strip().lower() == MEDIA_TYPE for part in accept.split(","))


def _raw_uri(scope: Scope) -> str:
    """Path and query exactly as they came over the wire."""
    path: bytes = scope["raw_path"].partition(b"?")[0]
    query: bytes = scope["query_string"]
    return (path + b"?" + query if query else path).decode("utf-8", "surrogateescape")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
