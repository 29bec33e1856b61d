"""REST calls about files and the project (contract 2.5, 2.7, 2.9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from longshore.core.file import REFUSED, File, FileNotFound, FileRefused
from longshore.core.ids import FileId, parse_file_id
from longshore.core.project import Project
from longshore.core.uploadcare import rest_file
from longshore.http.uploadcare.call import RestCall, RestError, Table, answer
from longshore.http.uploadcare.listing import listed, parse_listing
from longshore.http.uploadcare.services import UploadcareServices
from longshore.services.files import ChangedMeanwhile

MAX_BATCH = 100
_ATTEMPTS = 5
"""A file changes by itself while it is checked; whoever comes in between tries again."""

Change = Callable[[Project, FileId, str], Awaitable[File]]


class FileCalls:
    def __init__(self, services: UploadcareServices) -> None:
        self._services = services
        self._files = services.files
        self._urls = services.urls

    def table(self) -> Table:
        return {
            "/files/": {"GET": self._list},
            "/files/storage/": {"PUT": self._store_many, "DELETE": self._remove_many},
            # DELETE here is v0.5's way to remove
            "/files/{uuid}/": {"GET": self._get, "DELETE": self._remove},
            "/files/{uuid}/storage/": {"PUT": self._store, "DELETE": self._remove},
            "/files/{uuid}/metadata/": {"GET": self._metadata},
            "/files/{uuid}/metadata/{key}/": {"GET": self._metadata_value},
            "/project/": {"GET": self._project},
        }

    # -- read ----------------------------------------------------------------------------------------------------------

    async def _list(self, call: RestCall) -> Response:
        listing = parse_listing(call, call.server.project.id)
        page = await listed(listing, self._files)
        total, totals = await self._files.counted(listing.query)
        base = f"{self._urls.api}/files/"
        return answer(
            {
                "next": f"{base}?{page.next}" if page.next else None,
                "previous": f"{base}?{page.previous}" if page.previous else None,
                "total": total,
                "totals": {"removed": totals.removed, "stored": totals.stored, "unstored": totals.unstored},
                "per_page": listing.query.limit,
                "results": [self._shown(call, file) for file in page.files],
            }
        )

    async def _get(self, call: RestCall) -> Response:
        return answer(self._shown(call, await self._found(call)))

    async def _metadata(self, call: RestCall) -> Response:
        return answer(dict((await self._found(call)).purpose.metadata))

    async def _metadata_value(self, call: RestCall) -> Response:
        value = (await self._found(call)).purpose.metadata.get(call.path["key"])
        if value is None:
            raise RestError(404, "Not found.")
        return answer(value)

    async def _project(self, call: RestCall) -> Response:
        project = call.server.project
        return answer(
            {
                "collaborators": [],
                "name": project.name,
                "pub_key": project.public_key,
                "autostore_enabled": project.autostore,
            }
        )

    async def _found(self, call: RestCall) -> File:
        """Raises FileNotFound, also for refused files, which lists do not show either."""
        file = await self._files.get(call.server.project, _file_id(call))
        if file.state in REFUSED:
            raise FileNotFound
        return file

    def _shown(self, call: RestCall, file: File) -> object:
        shown = rest_file(file, self._urls)
        return {**shown, "appdata": {}} if call.query("include") == "appdata" else shown

    # -- changed -------------------------------------------------------------------------------------------------------

    async def _store(self, call: RestCall) -> Response:
        return await self._change_one(call, self._files.store)

    async def _remove(self, call: RestCall) -> Response:
        return await self._change_one(call, self._files.remove)

    async def _change_one(self, call: RestCall, change: Change) -> Response:
        file = await _changed(change, call, _file_id(call))
        return answer(self._shown(call, file))

    async def _store_many(self, call: RestCall) -> Response:
        return await self._change_many(call, self._files.store)

    async def _remove_many(self, call: RestCall) -> Response:
        return await self._change_many(call, self._files.remove)

    async def _change_many(self, call: RestCall, change: Change) -> Response:
        """200 even when all fail: what went wrong stands beside its id."""
        problems: dict[str, str] = {}
        result: list[object] = []
        for text in dict.fromkeys(_uuids(call.json())):
            file_id = parse_file_id(text)
            if file_id is None:
                problems[text] = "Invalid"
                continue
            try:
                result.append(rest_file(await _changed(change, call, file_id), self._urls))
            except (FileNotFound, FileRefused):
                problems[text] = "Missing in the project"
        return answer({"status": "ok", "problems": problems, "result": result})


async def _changed(change: Change, call: RestCall, file_id: FileId) -> File:
    """Raises FileNotFound (also for refused files), FileRefused, ChangedMeanwhile."""
    server = call.server
    for _ in range(_ATTEMPTS - 1):
        try:
            file = await change(server.project, file_id, server.actor)
            break
        except ChangedMeanwhile:
            continue
    else:
        file = await change(server.project, file_id, server.actor)
    if file.state in REFUSED:
        raise FileNotFound
    return file


def _file_id(call: RestCall) -> FileId:
    """Raises RestError: what is no uuid is not found (contract 2.3)."""
    file_id = parse_file_id(call.path["uuid"])
    if file_id is None:
        raise RestError(404, "Not found.")
    return file_id


def _uuids(body: object) -> list[str]:
    if not isinstance(body, list):
        raise RestError(400, "Expected list of UUIDs")
    items: list[object] = body  # pyright: ignore[reportUnknownVariableType] -- JSON: anything may be inside
    if not items:
        raise RestError(400, "List of UUIDs can not be empty")
    if len(items) > MAX_BATCH:
        raise RestError(400, f"Maximum UUIDs per request is exceeded. The limit is {MAX_BATCH}")
    return [item if isinstance(item, str) else str(item) for item in items]
