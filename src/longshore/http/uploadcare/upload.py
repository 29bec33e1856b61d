"""The Upload API (contract 1): direct uploads and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from longshore.core.errors import Problem
from longshore.core.file import REFUSED, File, FileState
from longshore.core.ids import FileId, parse_file_id
from longshore.core.media import OCTET_STREAM
from longshore.core.names import tidy
from longshore.core.principal import UploadClient
from longshore.core.project import Project
from longshore.core.upload import BadType, check_media_type
from longshore.core.uploadcare import upload_info
from longshore.http.multipart import Form
from longshore.http.uploadcare.body import Body, RequestTooLarge
from longshore.http.uploadcare.errors import Code, UploadError, error_of, error_response, refusal_of
from longshore.http.uploadcare.fields import Fields
from longshore.http.uploadcare.finish import finished
from longshore.http.uploadcare.paths import normal
from longshore.http.uploadcare.services import UploadcareServices
from longshore.http.uploadcare.signatures import check_upload
from longshore.http.uploadcare.spool import FIELDS_SIZE, FRAMING, MAX_PART_HEADER, Spool, Spooled
from longshore.http.uploadcare.tokens import bearer_of, check_token
from longshore.services.asking import NewUpload
from longshore.services.confirming import Brought

log = structlog.get_logger()

_HEADERS: Mapping[str, str] = {
    "Vary": "Accept-Encoding, Origin",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "DNT, X-PINGOTHER, X-UC-User-Agent, Authorization, Content-Type",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": "Warning, Retry-After",
    "Access-Control-Max-Age": "1",
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_ANY_METHOD = "GET, POST, HEAD, OPTIONS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """What an endpoint calls the parameters that say who uploads."""

    path: str
    public_key: str = "UPLOADCARE_PUB_KEY"
    signature: str = "signature"
    expire: str = "expire"


_PLAIN = Spelling(path="/base/")
_IFRAME = Spelling(path="/iframe/", signature="UPLOADCARE_SIGNATURE", expire="UPLOADCARE_EXPIRE")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `fields` holds the query's parameters, and the body's as they are read."""

    headers: Headers
    fields: Fields
    body: Body
    address: str | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`allow` as the service spells it in Access-Control-Allow-Methods."""

    allow: str
    methods: Mapping[str, Callable[[Call], Awaitable[Response]]]


class UploadApi:
    """An ASGI application for the paths of `is_upload_path`."""

    def __init__(self, services: UploadcareServices) -> None:
        self._services = services
        self._endpoints: Mapping[str, Endpoint] = {
            "/base/": Endpoint("POST, OPTIONS", {"POST": lambda call: self._upload(call, _PLAIN)}),
            "/iframe/": Endpoint("POST, OPTIONS", {"POST": lambda call: self._upload(call, _IFRAME)}),
            "/info/": Endpoint("GET, HEAD, OPTIONS", {"GET": self._describe, "HEAD": self._describe}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        client: tuple[str, int] | None = scope.get("client")
        body = Body(receive, headers, idle=self._services.idle)
        call = Call(headers, Fields(), body, client[0] if client else None)
        path = normal(scope["raw_path"])
        endpoint = self._endpoints.get(path)
        try:
            call.fields.add_encoded(scope["query_string"])
            response = await self._answer(endpoint, scope["method"], path, call)
        except UploadError as error:
            response = self._refusal(call, error)
        except RequestTooLarge:
            response = self._refusal(call, UploadError(Code.REQUEST_TOO_LARGE))
        except Problem as problem:
            error = error_of(problem)
            if error.status == 500:
                await log.aerror("uploadcare.failed", path=path, reason=problem.detail)
            response = self._refusal(call, error)
        except Exception:  # noqa: BLE001 -- a bug, logged whole; a client that reads JSON only must get JSON (1.3)
            await log.aexception("uploadcare.failed", path=path)
            response = self._refusal(call, UploadError(Code.INTERNAL))
        allow = endpoint.allow if endpoint else _ANY_METHOD
        if response.status_code == 405:
            response.headers["Allow"] = allow
        every = {**_HEADERS, "Access-Control-Allow-Methods": allow}
        await finished(response, scope["method"], body, every, self._services.ids)(scope, receive, send)

    async def _answer(self, endpoint: Endpoint | None, method: str, path: str, call: Call) -> Response:
        if method == "OPTIONS":
            return Response(status_code=204)
        if endpoint is None:
            raise UploadError(Code.PATH_UNKNOWN)
        if method not in endpoint.methods:
            raise UploadError(Code.METHOD_NOT_ALLOWED, method, path)
        return await endpoint.methods[method](call)

    def _refusal(self, call: Call, error: UploadError) -> Response:
        as_json = call.fields.wants_json_errors or call.headers.get("accept") == "application/json"
        return error_response(error, as_json=as_json)

    # -- /base/, /iframe/ ----------------------------------------------------------------------------------------------

    async def _upload(self, call: Call, spelling: Spelling) -> Response:
        """Files of one form succeed or fail together; the answer names each by its field."""
        services = self._services
        async with Spool.opened(services.objects, services.ids) as spool:
            await self._read(call, spool, spelling)
            project = await self._project(call.fields, spelling.public_key)
            caller = await self._caller(call, spelling, project)
            brought = await self._drafted(call, caller, spool.files)
            try:
                await services.confirming.bring(caller, brought, address=call.address)
            except Exception:
                # Not on cancellation: then it may have been committed, and the bytes belong to files.
                for one in brought:
                    await services.confirming.discard(one)
                raise
            spool.keep()
        await self._judge(caller, [one.upload.id for one in brought])
        return _json({file.field: str(one.upload.id) for file, one in zip(spool.files, brought, strict=True)})

    async def _read(self, call: Call, spool: Spool, spelling: Spelling) -> None:
        services = self._services
        limit = services.direct_size

        async def admit() -> int:
            if not call.fields.get(spelling.public_key):
                return limit  # the key may come after the file
            return min(limit, (await self._project(call.fields, spelling.public_key)).max_size)

        content_type = call.headers.get("content-type", "")
        if content_type.lower().startswith("multipart/form-data"):
            pieces = call.body.pieces(limit + FRAMING)
            await spool.take(Form(content_type, pieces, max_header=MAX_PART_HEADER), call.fields, admit)
            async for _ in pieces:
                pass  # what follows the last boundary
        elif content_type.lower().startswith("application/x-www-form-urlencoded"):
            call.fields.add_encoded(await call.body.whole(FIELDS_SIZE))
        else:
            await call.body.whole(FIELDS_SIZE)

    async def _project(self, fields: Fields, parameter: str) -> Project:
        public_key = fields.get(parameter)
        if not public_key:
            raise UploadError(Code.KEY_REQUIRED, parameter)
        project = await self._services.projects.by_public_key(public_key)
        if project is None:
            raise UploadError(Code.KEY_INVALID, parameter)
        return project

    async def _caller(self, call: Call, spelling: Spelling, project: Project) -> UploadClient:
        """Proof is looked at only where the project demands it: the service takes even expired signatures elsewhere
        (contract 1.6, recorded). A signature goes before a token."""
        caller = UploadClient(project=project)
        if not project.signed_uploads:
            return caller
        keys, now = await self._services.projects.secrets(project), self._services.clock.now()
        signature = call.fields.get(spelling.signature)
        token = bearer_of(call.headers.get("authorization", ""))
        if token is not None and not signature:
            return check_token(token, spelling.path, project, keys, now)
        check_upload(signature, call.fields.get(spelling.expire), keys, now)
        return caller

    async def _drafted(self, call: Call, caller: UploadClient, files: list[Spooled]) -> list[Brought]:
        fields = call.fields
        metadata, store = fields.metadata(), fields.flag("UPLOADCARE_STORE")
        fields.tags()  # checked, not kept yet
        chosen = _chosen_id(fields.get("UPLOADCARE_FILE_ID"), len(files))
        if not files:
            raise UploadError(Code.FILES_REQUIRED)
        now = self._services.clock.now()
        brought: list[Brought] = []
        for file in files:
            new = NewUpload(
                name=tidy(file.name), type=_declared(file.content_type), size=file.size, metadata=metadata, store=store
            )
            upload = await self._services.uploads.drafted(caller, new, now, upload_id=chosen)
            brought.append(Brought(upload=upload, size=file.size, spool=file.key))
        return brought

    async def _judge(self, caller: UploadClient, file_ids: list[FileId]) -> None:
        """Wait a little for the check (decision 12). When one is refused, the others go too. Raises UploadError."""
        services = self._services
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(services.files.settled(file_id, services.wait)) for file_id in file_ids]
        files = [file for task in waiting if (file := task.result()) is not None]
        refused = next((file for file in files if file.state in REFUSED), None)
        if refused is None:
            return
        for file in files:
            if file.state not in REFUSED:
                await services.files.remove(caller.project, file.id, caller.actor)
        raise refusal_of(refused)

    # -- /info/ --------------------------------------------------------------------------------------------------------

    async def _describe(self, call: Call) -> Response:
        project = await self._project(call.fields, "pub_key")
        text = call.fields.get("file_id")
        if not text:
            raise UploadError(Code.FILE_ID_REQUIRED)
        file_id = parse_file_id(text)
        if file_id is None:
            raise UploadError(Code.FILE_ID_INVALID)
        wait = call.fields.flag("wait_is_ready")
        file = await (self._services.files.settled(file_id, self._services.wait) if wait else self._find(file_id))
        if file is None or file.project_id != project.id or file.state is FileState.REMOVED:
            raise UploadError(Code.FILE_NOT_FOUND)
        if file.state in REFUSED:
            raise refusal_of(file)
        return _json(upload_info(file))

    async def _find(self, file_id: FileId) -> File | None:
        return await self._services.files.find(file_id)


def _json(body: object) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")


def _chosen_id(text: str, count: int) -> FileId | None:
    """`UPLOADCARE_FILE_ID`, which can only be of one file. Raises UploadError."""
    if not text:
        return None
    chosen = parse_file_id(text)
    if chosen is None:
        raise UploadError(Code.CHOSEN_ID_INVALID)
    if count > 1:
        raise UploadError(Code.CHOSEN_ID_TAKEN)
    return chosen


def _declared(content_type: str | None) -> str:
    """As sent (contract 1.7); what is no media type is not passed on."""
    try:
        return check_media_type(content_type or OCTET_STREAM)
    except BadType:
        return OCTET_STREAM
