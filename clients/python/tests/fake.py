"""A small Longshore in memory, with the wire of the real one and a script of what shall go wrong.

`server.script["send"] = [status(500), drop_after(100_000)]`: the first PUT is answered 500, the second is cut in its
body, the third is served. A fault is called with the request and answers it, or answers None to let it be served.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

KEY, PUBLIC_KEY = "secret-key-of-a-test", "publickeyofatest"
NOW = "2026-11-20T10:00:00Z"
STEPS = ("digest", "scan", "inspect", "publish", "preview")
MAX_SIZE = 1024**3

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


@dataclass
class FakeUpload:
    body: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid4()))
    state: str = "open"
    link: int = 1
    size: int | None = None
    sha256: str = ""
    file_state: str = "checking"
    refusal: dict[str, str] | None = None
    stored: bool = False

    def answer(self, origin: str, *, expired: bool) -> dict[str, Any]:
        send = None
        if self.state == "open":
            send = {
                "method": "PUT",
                "url": f"{origin}/storage/incoming/{self.id}?link={0 if expired else self.link}&type=a%2Fb",
                "headers": {"Content-Type": self.body["type"]},
                "fields": {},
                "expires_at": NOW,
            }
        return {
            "id": self.id,
            "state": self.state,
            "name": self.body["name"],
            "size": self.body.get("size"),
            "max_size": self.body.get("size") or self.body.get("max_size") or MAX_SIZE,
            "expires_at": NOW,
            "send": send,
            "write_token": f"lw.{self.id}",
            "read_token": f"lr.{self.id}",
            "news": [1, 2],
        }

    def file(self) -> dict[str, Any]:
        ready = self.file_state == "ready"
        return {
            "id": self.id,
            "state": self.file_state,
            "name": self.body["name"],
            "size": self.size,
            "declared_type": self.body["type"],
            "detected_type": self.body["type"] if ready else None,
            **{name: self.body.get(name) for name in ("kind", "record", "uploader", "group")},
            "position": self.body.get("position", 0),
            "metadata": self.body.get("metadata", {}),
            "visibility": "public",
            "uploaded_at": NOW,
            "ready_at": NOW if ready else None,
            "stored_at": NOW if self.stored else None,
            "removed_at": None,
            "expires_at": NOW,
            "scan": "clean" if ready else None,
            "image": None,
            "urls": None,
            "refusal": self.refusal,
            "digests": {"sha256": self.sha256, "md5": "0" * 32, "crc32c": "0" * 8} if ready else None,
            "from_a_newer_server": {"x": 1},
        }

    def status(self, step: str | None = None, percent: int | None = None) -> dict[str, Any]:
        confirmed = self.state == "confirmed"
        state = "waiting" if self.file_state == "checking" else "done"
        steps = [{"name": name, "state": state, "attempt": 1, "reason": None, "updated_at": NOW} for name in STEPS]
        return {
            "id": self.id,
            "state": self.state,
            "file": self.file() if confirmed else None,
            "steps": steps if confirmed else [],
            "progress": {"step": step, "percent": percent} if step else None,
        }


class FakeLongshore:
    """`log` holds the operations that were asked for, in order; `sent` how much of each PUT arrived."""

    def __init__(self) -> None:
        self.script: dict[str, list[Fault]] = {}
        self.log: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.sent: list[int] = []
        self.uploads: dict[str, FakeUpload] = {}
        self.repeats: dict[str, str] = {}
        self.expired_links = 0
        self.max_size = MAX_SIZE
        self.refusal: tuple[str, dict[str, str]] | None = None
        self.open_events = 0
        self.without_streams = asyncio.Event()
        self._asked = asyncio.Condition()
        self.versions = 1
        self.concurrent = self.most_concurrent = 0
        self.origin = ""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        for method, path, operation, handler in (
            ("POST", "/api/v1/uploads", "request", self._request),
            ("GET", "/api/v1/uploads/{id}", "status", self._status),
            ("POST", "/api/v1/uploads/{id}/link", "link", self._link),
            ("POST", "/api/v1/uploads/{id}/confirm", "confirm", self._confirm),
            ("DELETE", "/api/v1/uploads/{id}", "abort", self._abort),
            ("GET", "/api/v1/uploads/{id}/events", "events", self._events),
            ("PUT", "/storage/incoming/{id}", "send", self._send),
            ("GET", "/api/v1/files/{id}", "file", self._file),
            ("PATCH", "/api/v1/files/{id}", "store", self._file),
            ("DELETE", "/api/v1/files/{id}", "remove", self._file),
            ("POST", "/api/v1/files/{id}/url", "url", self._url),
            ("GET", "/api/v1/records/{type}/{record}/{kind}", "record", self._record),
            ("POST", "/api/v1/records/{type}/{record}/{kind}/restore", "restore", self._restore),
            ("GET", "/api/v1/kinds", "kinds", self._kinds),
        ):
            app.router.add_route(method, path, self._scripted(operation, handler))
        return app

    def _scripted(
        self, operation: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            async with self._asked:
                self.log.append(operation)
                self._asked.notify_all()
            self.headers.append(dict(request.headers))
            faults = self.script.get(operation, [])
            if faults:
                answer = await faults.pop(0)(request)
                if answer is not None:
                    return answer
            if operation != "send" and not self._knows(request):
                return problem(401, "unauthenticated")
            return await handler(request)

        return serve

    async def asked(self, operation: str) -> None:
        """Waits until it was."""
        async with self._asked:
            await self._asked.wait_for(lambda: operation in self.log)

    def _knows(self, request: web.Request) -> bool:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        upload_id = request.match_info.get("id")
        known = {KEY, f"lw.{upload_id}"} | ({f"lr.{upload_id}"} if request.method == "GET" else set())
        return bearer in known or request.query.get("pub_key") == PUBLIC_KEY

    async def _request(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if isinstance(body, list):
            items = [
                {"status": 400, "problem": {"code": "bad-name", "detail": "No", "status": 400}}
                if one["name"] == "bad"
                else {"status": 201, "upload": self._new(one)}
                for one in body
            ]
            return web.json_response({"items": items})
        key = request.headers["Idempotency-Key"]
        if key in self.repeats:
            return web.json_response(self.uploads[self.repeats[key]].answer(self.origin, expired=False), status=201)
        answer = self._new(body)
        self.repeats[key] = answer["id"]
        return web.json_response(answer, status=201)

    def _new(self, body: dict[str, Any]) -> dict[str, Any]:
        upload = FakeUpload({"max_size": self.max_size, **body})
        self.uploads[upload.id] = upload
        return upload.answer(self.origin, expired=self._expires())

    def _expires(self) -> bool:
        self.expired_links -= 1
        return self.expired_links >= 0

    async def _link(self, request: web.Request) -> web.StreamResponse:
        upload = self.uploads[request.match_info["id"]]
        return web.json_response(upload.answer(self.origin, expired=self._expires()))

    async def _send(self, request: web.Request) -> web.StreamResponse:
        upload = self.uploads[request.match_info["id"]]
        if request.query["link"] == "0":
            return problem(403, "link-expired")
        if request.headers.get("Content-Type") != upload.body["type"]:
            return problem(400, "wrong-content-type")
        if upload.size is not None:
            return problem(412, "link-used")
        digest, size = hashlib.sha256(), 0
        self.sent.append(0)
        self.concurrent += 1
        self.most_concurrent = max(self.concurrent, self.most_concurrent)
        try:
            async for piece in request.content.iter_chunked(256 * 1024):
                digest.update(piece)
                size += len(piece)
                self.sent[-1] = size
        finally:
            self.concurrent -= 1
        if request.content_length != size or upload.body.get("size") not in (None, size):
            return problem(400, "body-incomplete")
        upload.size, upload.sha256 = size, digest.hexdigest()
        return web.Response(headers={"ETag": '"x"'})

    async def _confirm(self, request: web.Request) -> web.StreamResponse:
        upload = self.uploads[request.match_info["id"]]
        if upload.state == "aborted":
            return problem(410, "upload-aborted")
        if upload.size is None:
            return problem(409, "bytes-missing")
        upload.state = "confirmed"
        return web.json_response(upload.status())

    async def _status(self, request: web.Request) -> web.StreamResponse:
        upload = self.uploads[request.match_info["id"]]
        self.settle(upload)
        return web.json_response(upload.status())

    def settle(self, upload: FakeUpload) -> None:
        """The check is over."""
        if upload.state == "confirmed" and upload.file_state == "checking":
            upload.file_state, upload.refusal = self.refusal or ("ready", None)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        upload = self.uploads[request.match_info["id"]]
        self.open_events += 1
        try:
            stream = await event_stream(request)
            for percent in (0, 50, 100):
                await stream.write(event(upload.status("digest", percent)))
            self.settle(upload)
            await stream.write(event(upload.status()))
            await stream.write(b"event: end\ndata: {}\n\n")
            return stream
        finally:
            self.open_events -= 1
            if not self.open_events:
                self.without_streams.set()

    async def _abort(self, request: web.Request) -> web.StreamResponse:
        upload = self.uploads[request.match_info["id"]]
        if upload.state == "confirmed":
            return problem(409, "upload-confirmed")
        upload.state, upload.size = "aborted", None
        return web.Response(status=204)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        upload = self.uploads.get(request.match_info["id"])
        if upload is None:
            return problem(404, "file-not-found")
        if upload.file_state == "rejected" and request.method == "PATCH":
            return problem(410, "file-refused")
        if request.method == "PATCH":
            assert await request.json() == {"stored": True}
            upload.stored, upload.file_state = True, "ready"
        if request.method == "DELETE":
            upload.file_state = "removed"
        return web.json_response(upload.file())

    async def _url(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        url = f"{self.origin}/{request.match_info['id']}/{body['operations']}?token={body['lifetime_s']}"
        return web.json_response({"url": url, "expires_at": NOW})

    async def _record(self, request: web.Request) -> web.StreamResponse:
        file = FakeUpload({"name": "a.jpg", "type": "image/jpeg"}, size=1, file_state="ready").file()
        versions = [
            {"version": number, "current": number == self.versions, "created_at": NOW, "file": file}
            for number in range(self.versions, 0, -1)
        ]
        return web.json_response(
            {
                "record": f"{request.match_info['type']}/{request.match_info['record']}",
                "kind": request.match_info["kind"],
                "positions": [{"position": 0, "current": file, "versions": versions}],
            }
        )

    async def _restore(self, request: web.Request) -> web.StreamResponse:
        self.versions += 1
        return await self._record(request)

    async def _kinds(self, request: web.Request) -> web.StreamResponse:
        kind = {"name": "avatar", "accept": ["image/*"], "sizes": {"*": 1000}, "visibility": "private", "scan": None}
        return web.json_response({"items": [{**kind, "retention_s": None, "managed_by_file": True}]})


def problem(code_status: int, code: str, **headers: str) -> web.Response:
    body = {"type": f"urn:longshore:problem:{code}", "title": "T", "status": code_status, "detail": "D", "code": code}
    return web.json_response(
        body,
        status=code_status,
        content_type="application/problem+json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


async def event_stream(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await stream.prepare(request)
    return stream


def event(status: dict[str, Any]) -> bytes:
    return b"event: status\ndata: " + json.dumps(status).encode() + b"\n\n"


# -- faults ------------------------------------------------------------------------------------------------------------


def status(code: int, name: str = "busy", **headers: str) -> Fault:
    """Answered before anything is done, or read."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return problem(code, name, **headers)

    return fault


def html(code: int) -> Fault:
    """What a proxy in between says."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text="<html><body>nginx</body></html>", content_type="text/html")

    return fault


async def drop(request: web.Request) -> web.StreamResponse:
    """Cut before anything is done."""
    return _cut(request)


def drop_after(size: int) -> Fault:
    """Cut in the middle of the body."""

    async def fault(request: web.Request) -> web.StreamResponse:
        arrived = 0
        while arrived < size:
            piece = await request.content.readany()
            arrived += len(piece)
        return _cut(request)

    return fault


def lose_answer(serve: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Fault:
    """Done, but nobody hears of it."""

    async def fault(request: web.Request) -> web.StreamResponse:
        await serve(request)
        return _cut(request)

    return fault


def wait_for(something: asyncio.Event) -> Fault:
    """Served once `something` has happened."""

    async def fault(request: web.Request) -> None:
        await something.wait()

    return fault


def cut_events(statuses: Sequence[bytes]) -> Fault:
    """An event stream that ends in the middle."""

    async def fault(request: web.Request) -> web.StreamResponse:
        stream = await event_stream(request)
        for one in statuses:
            await stream.write(one)
        await stream.write(b'event: status\ndata: {"id"')
        return _cut(request, stream)

    return fault


def _cut(request: web.Request, answer: web.StreamResponse | None = None) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return answer or web.Response()
