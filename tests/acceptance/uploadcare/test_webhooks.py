"""Webhooks told of a file's life, as the contract's receivers know them (2.12)."""

import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.uploadcare.wire import Wire, eventually
from tests.servers.longshore import Longshore

SECRET = "7kMVZivndx0ErgvhRKAr"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it is told; answers 500 to the first call of each path that begins with `/flaky`."""

    daemon_threads = True

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, str], bytes]] = []
        self.failed: set[str] = set()
        super().__init__(("127.0.0.1", 0), _Hook)

    def events(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(body) for where, _, body in list(self.told) if where == path]


class _Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fails = self.path.startswith("/flaky") and self.path not in receiver.failed
        receiver.failed.add(self.path)
        if not fails:
            receiver.told.append((self.path, dict(self.headers.items()), body))
        self.send_response(500 if fails else 204)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 -- the base class names it so
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        serving = threading.Thread(target=receiver.serve_forever)
        serving.start()
        yield receiver
        receiver.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def listening(server: Longshore, receiver: Receiver) -> Iterator[Wire]:
    with Wire(server.url, server.new_project("webhooks")) as wire:
        yield wire


def subscribe(wire: Wire, receiver: Receiver, event: str, path: str, **more: str) -> dict[str, Any]:
    target = f"http://127.0.0.1:{receiver.server_address[1]}{path}"
    made = wire.rest("POST", "/webhooks/", data={"target_url": target, "event": event, **more})
    assert made.status_code == 201, made.text
    return made.json()


def test_an_upload_is_told_signed(listening: Wire, receiver: Receiver) -> None:
    hook = subscribe(listening, receiver, "file.uploaded", "/told", signing_secret=SECRET)

    file_id = listening.uploaded("my pineapple.txt", b"text")

    assert eventually(lambda: len(receiver.events("/told")) == 1, within=10)
    [(_, headers, body)] = [one for one in receiver.told if one[0] == "/told"]
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Uc-Signature"] == "v1=" + hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()
    told = json.loads(body)
    file = listening.rest("GET", f"/files/{file_id}/").json()
    assert told == {
        "initiator": {"type": "api", "detail": {"request_id": None, "addon_name": None}},
        "hook": {
            "id": hook["id"],
            "project_id": hook["project"],
            "project_pub_key": listening.keys.public_key,
            "created_at": hook["created"],
            "updated_at": hook["updated"],
            "event": "file.uploaded",
            "target": hook["target_url"],
            "is_active": True,
            "version": "0.7",
        },
        "data": file,
        "file": file["original_file_url"],
    }


def test_a_removal_is_told_to_those_who_asked_and_tried_again(listening: Wire, receiver: Receiver) -> None:
    subscribe(listening, receiver, "file.deleted", "/flaky-deleted")
    subscribe(listening, receiver, "file.deleted", "/silent", is_active="false")
    file_id = listening.uploaded("a.txt", b"a")

    listening.rest("DELETE", f"/files/{file_id}/storage/")

    assert eventually(lambda: bool(receiver.events("/flaky-deleted")), within=20)  # the second attempt comes after 5 s
    told = receiver.events("/flaky-deleted")[0]
    assert (told["data"]["uuid"], bool(told["data"]["datetime_removed"])) == (file_id, True)
    assert "X-Uc-Signature" not in next(headers for path, headers, _ in receiver.told if path == "/flaky-deleted")
    assert receiver.events("/silent") == []


def test_a_forbidden_address_is_not_called(listening: Wire, receiver: Receiver) -> None:
    """The operator allowed 127.0.0.1, not every name of it; the subscription itself is taken."""
    target = f"http://127.0.0.2:{receiver.server_address[1]}/elsewhere"
    listening.rest("POST", "/webhooks/", json={"target_url": target, "event": "file.uploaded"})
    subscribe(listening, receiver, "file.uploaded", "/after")

    listening.uploaded("b.txt", b"b")

    assert eventually(lambda: bool(receiver.events("/after")), within=10)
    assert receiver.events("/elsewhere") == []
