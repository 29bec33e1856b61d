"""Speaking to the two APIs without a client: signed calls, forms written by hand."""

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx

from longshore.core.signing import rest_signature, upload_signature
from tests.servers.longshore import ProjectKeys

V07 = "application/vnd.uploadcare-v0.7+json"
FormPart = tuple[str, str | None, str | None, bytes]
"""Field, file name, content type, bytes."""


class Wire:
    """One project's view of a running server."""

    def __init__(self, url: str, keys: ProjectKeys) -> None:
        self.url, self.keys = url, keys
        self._http = httpx.Client(base_url=url, timeout=30)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:
        return self._http.request(method, path, **how)

    # -- Upload API ----------------------------------------------------------------------------------------------------

    def post(
        self,
        *files: tuple[str, bytes] | tuple[str, bytes, str],
        fields: Iterable[tuple[str, str]] | None = None,
        key: str | None = None,
        query: str = "",
        headers: dict[str, str] | None = None,
        path: str = "/base/",
    ) -> httpx.Response:
        """A direct upload; each file's field is its name."""
        parts: list[FormPart] = [("UPLOADCARE_PUB_KEY", None, None, (key or self.keys.public_key).encode())]
        parts += [(name, None, None, value.encode()) for name, value in fields or ()]
        parts += [(file[0], file[0], file[2] if len(file) == 3 else None, file[1]) for file in files]
        return self.post_form(parts, query=query, headers=headers, path=path)

    def post_form(
        self,
        parts: Sequence[FormPart],
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        path: str = "/base/",
    ) -> httpx.Response:
        body = form(parts)
        headers = {"Content-Type": "multipart/form-data; boundary=frontier", **(headers or {})}
        return self.send("POST", f"{path}{query}", content=body, headers=headers)

    def uploaded(self, name: str, content: bytes, *fields: tuple[str, str]) -> str:
        """The uuid of a file that was taken."""
        answer = self.post((name, content), fields=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()[name]

    def info(self, file_id: str, **query: str) -> httpx.Response:
        parameters = {"pub_key": self.keys.public_key, "file_id": file_id, **query}
        return self.send("GET", "/info/", params=parameters)

    def signature(self, lifetime: int = 60, secret: str | None = None) -> list[tuple[str, str]]:
        expire = str(int(time.time()) + lifetime)
        return [("expire", expire), ("signature", upload_signature(secret or self.keys.secret_key, expire))]

    # -- REST API ------------------------------------------------------------------------------------------------------

    def rest(self, method: str, path: str, *, headers: dict[str, str] | None = None, **how: Any) -> httpx.Response:
        """With `Uploadcare.Simple`."""
        simple = f"Uploadcare.Simple {self.keys.public_key}:{self.keys.secret_key}"
        return self.send(method, path, headers={"Accept": V07, "Authorization": simple, **(headers or {})}, **how)

    def signed(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        secret: str | None = None,
        date: str | None = None,
        date_header: str = "Date",
        content_type: str = "application/json",
        as_path: str | None = None,
    ) -> httpx.Response:
        """With a signature; `as_path` is what is signed when it differs from what is sent."""
        date = format_datetime(datetime.now(UTC), usegmt=True) if date is None else date
        proof = rest_signature(secret or self.keys.secret_key, method, body, content_type, date, as_path or path)
        headers = {"Accept": V07, "Authorization": f"Uploadcare {self.keys.public_key}:{proof}", date_header: date}
        if content_type:
            headers["Content-Type"] = content_type
        return self.send(method, path, headers=headers, content=body or None)


def eventually(holds: Callable[[], bool], within: float = 2) -> bool:
    """Whether `holds` becomes true within some seconds; 2 is what a change of keys may take (decision 5)."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def form(parts: Sequence[FormPart], boundary: bytes = b"frontier") -> bytes:
    """A multipart/form-data body, names as they are."""
    out = bytearray()
    for field, name, content_type, content in parts:
        out += b'--%b\r\nContent-Disposition: form-data; name="%b"' % (boundary, field.encode())
        if name is not None:
            out += b'; filename="%b"' % name.encode()
        if content_type is not None:
            out += b"\r\nContent-Type: " + content_type.encode()
        out += b"\r\n\r\n%b\r\n" % content
    return bytes(out + b"--%b--\r\n" % boundary)


def raw(port: int, request: bytes, *, hang_up: bool = False, timeout: float = 15) -> bytes:
    """Send bytes as they are; all that comes back until the server closes. With `hang_up` nothing is waited for."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request)
        if hang_up:
            return b""
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer
