"""Speaking to the native API without a client: the six steps one by one, so that a test can stop between any two.

Also what tests of bad input and of faults look at from outside: the problem in an answer, what lies in the data folder,
what the CDN path says, and whether the server's log tells of a mistake of ours.
"""

import contextlib
import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import jwt

from longshore.core.signing import jwt_key
from tests.acceptance.uploadcare.wire import Wire
from tests.servers.longshore import Longshore, ProjectKeys

T = TypeVar("T")
Json = dict[str, Any]

PROBLEM = "application/problem+json"
FINAL = {"ready", "quarantined", "rejected", "held", "removed"}
CRASHES = {"request.crashed", "job.crashed", "uploadcare.failed"}
"""Log events that tell of a mistake of ours."""
ORIGINAL, PREVIEW, PICTURE = "", "-/preview/320x320/-/format/webp/", "-/preview/64x64/"
DELIVERED = (ORIGINAL, "name.jpg", PREVIEW, PICTURE, "-/inline/yes/")
"""Paths below a file that must not answer before its check is done."""


@dataclass(frozen=True)
class Requested:
    """The answer to a request for one upload."""

    id: str
    write: str
    read: str
    send: Json

    @property
    def url(self) -> str:
        return self.send["url"]


class Native:
    """One project's view of a running server."""

    def __init__(self, server: Longshore, keys: ProjectKeys | None = None) -> None:
        self.server = server
        self.url = server.url
        self.keys = keys or server.demo
        self.http = httpx.Client(base_url=server.url, timeout=30)
        self.wire = Wire(server.url, self.keys)

    def __enter__(self) -> "Native":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.wire.__exit__()

    # -- calls ---------------------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, *, token: str | None = None, **how: Any) -> httpx.Response:
        """Below `/api/v1`; with the secret key unless another token is given (`""` for none)."""
        bearer = self.keys.secret_key if token is None else token
        headers = {**({"Authorization": f"Bearer {bearer}"} if bearer else {}), **how.pop("headers", {})}
        return self.http.request(method, f"/api/v1{path}", headers=headers, **how)

    def ask(self, content: bytes | None = None, *, token: str | None = None, **wanted: Any) -> httpx.Response:
        """Request an upload of exactly `content`; the raw answer."""
        body: Json = {"name": "file.bin", "type": "application/octet-stream", **wanted}
        if content is not None:
            body.setdefault("size", len(content))
        return self.call("POST", "/uploads", token=token, json=body)

    def request(self, content: bytes | None = None, *, token: str | None = None, **wanted: Any) -> Requested:
        answer = self.ask(content, token=token, **wanted)
        assert answer.status_code == 201, answer.text
        return requested(answer.json())

    def send(self, upload: Requested, content: bytes | Iterator[bytes]) -> httpx.Response:
        """The bytes, as the answer to the request says."""
        if upload.send["method"] == "PUT":
            return self.http.put(upload.url, content=content, headers=upload.send["headers"])
        assert isinstance(content, bytes)
        return self.http.post(upload.url, data=upload.send["fields"], files={"file": ("name", content)})

    def confirm(self, upload: Requested | str, *, token: str | None = None) -> httpx.Response:
        return self.call("POST", f"/uploads/{_id(upload)}/confirm", token=token)

    def status(self, upload: Requested | str) -> Json:
        answer = self.call("GET", f"/uploads/{_id(upload)}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def file(self, upload: Requested | str) -> Json:
        answer = self.call("GET", f"/files/{_id(upload)}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def settle(self, upload: Requested | str, *, within: float = 20) -> Json:
        """The file once its check is over."""
        return until(lambda: self.file(upload), lambda file: file["state"] in FINAL, within=within)

    def sent(self, content: bytes, *, token: str | None = None, **wanted: Any) -> Requested:
        """Requested and sent, not confirmed."""
        upload = self.request(content, token=token, **wanted)
        answer = self.send(upload, content)
        assert answer.status_code in (200, 204), answer.text
        return upload

    def confirmed(self, content: bytes, *, token: str | None = None, **wanted: Any) -> Requested:
        upload = self.sent(content, token=token, **wanted)
        answer = self.confirm(upload)
        assert answer.status_code == 200, answer.text
        return upload

    def brought(self, content: bytes, *, token: str | None = None, **wanted: Any) -> Json:
        """The whole way: the file once its check is over."""
        return self.settle(self.confirmed(content, token=token, **wanted))

    def token(self, *, secret: str | None = None, algorithm: str = "HS256", lifetime: float = 60, **claims: Any) -> str:
        """An upload token as an application signs it. A claim of None is left out."""
        claims = {
            "iss": self.keys.public_key,
            "aud": "longshore",
            "sub": "u-42",
            "exp": int(time.time() + lifetime),
            **claims,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        # PyJWS signs whatever the bytes are; `jwt.encode` would refuse some of what tests want to send
        return jwt.PyJWS().encode(json.dumps(present).encode(), jwt_key(secret or self.keys.secret_key), algorithm)

    # -- looked at from outside ----------------------------------------------------------------------------------------

    def deliver(self, file_id: str, path: str = ORIGINAL, **how: Any) -> httpx.Response:
        return self.http.get(f"/{file_id}/{path}", **how)

    def delivered(self, file_id: str) -> dict[str, int]:
        """Which of the CDN paths answer with something, and how; empty is what an unchecked file wants."""
        return {
            path: answer.status_code
            for path in DELIVERED
            if (answer := self.deliver(file_id, path)).status_code != 404
            or answer.headers["cache-control"] != "no-store"
        }

    def lying(self, *ids: str) -> list[str]:
        """What lies in the data folder of these uploads and files, as `bucket/name`."""
        return [path for path in stored(self.server) if any(one in path for one in ids)]


def _id(upload: Requested | str) -> str:
    return upload if isinstance(upload, str) else upload.id


def requested(answer: Mapping[str, Any]) -> Requested:
    return Requested(id=answer["id"], write=answer["write_token"], read=answer["read_token"], send=answer["send"])


# -- judging -----------------------------------------------------------------------------------------------------------


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and sentence of a native refusal, which is a whole problem document."""
    assert answer.headers["content-type"] == PROBLEM, answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:longshore:problem:{problem['code']}"
    assert problem["title"]
    if answer.status_code in (429, 503, 507):
        assert int(answer.headers["retry-after"]) >= 1
    return answer.status_code, problem["code"], problem["detail"]


def refused(answer: httpx.Response, status: int, code: str, sentence: str | None = None) -> Json:
    """Asserts that it is this refusal; the whole problem."""
    found = refusal(answer)
    assert found == (status, code, found[2] if sentence is None else sentence)
    return answer.json()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def stored(server: Longshore) -> list[str]:
    """Every file with bytes below the data folder's objects and results: `incoming/ab/abcd...`. The empty marks that
    keep a used key closed are no bytes."""
    found: list[str] = []
    for part in ("objects", "derived"):
        root = server.data / part
        with contextlib.suppress(FileNotFoundError):
            found += [str(path.relative_to(root)) for path in sorted(root.rglob("*")) if _is_stored(path)]
    return found


def _is_stored(path: Path) -> bool:
    return path.is_file() and not path.name.endswith(".sealed")


def until(look: Callable[[], T], is_so: Callable[[T], object], *, within: float = 10) -> T:
    """What `look` sees once it is so. Fails with the last sight."""
    deadline = time.monotonic() + within
    while not is_so(seen := look()):
        assert time.monotonic() < deadline, f"not within {within} s: {seen}"
        time.sleep(0.02)
    return seen


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """The answers of calls that run at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def times(count: int, call: Callable[..., T], *arguments: Any, **options: Any) -> list[T]:
    """The answers of `count` equal calls that run at the same time."""
    return at_once([functools.partial(call, *arguments, **options)] * count)


@contextlib.contextmanager
def no_mistakes(server: Longshore) -> Iterator[None]:
    """Whatever is sent meanwhile, the server never answers 500 and logs no crash: no unplanned 5xx (decision 30)."""
    log = server.folder / "output.log"
    before = log.stat().st_size
    yield
    with log.open("rb") as lines:
        lines.seek(before)
        told = [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}\n")]
    assert [line for line in told if line.get("event") in CRASHES or line.get("status") in (500, 502)] == []
