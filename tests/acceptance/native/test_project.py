"""Around the files: webhooks, the audit trail, keys, the API's description, and what operators look at."""

import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator

import pytest

from tests import corpus
from tests.acceptance.driver import Json, Native, refused, until

SECRET = "hush"


class Receiver:
    """Remembers what it was told; answers `status` to the next calls, 200 when none is left."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.told.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own word
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def bodies(self) -> list[Json]:
        return [json.loads(body) for _, body in self.told]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()


def subscribe(native: Native, receiver: Receiver, event: str) -> int:
    body = {"target_url": receiver.url, "event": event, "signing_secret": SECRET}
    answer = native.wire.rest("POST", "/webhooks/", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.mark.parametrize("event", ["file.uploaded", "file.deleted"])
def test_a_webhook_is_told_and_can_verify_it(native: Native, receiver: Receiver, event: str) -> None:
    webhook = subscribe(native, receiver, event)
    file = native.brought(corpus.png(40, 30, 1), name="a.png", type="image/png")
    native.call("DELETE", f"/files/{file['id']}")

    [(headers, body)] = until(lambda: receiver.told, bool)

    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-uc-signature"] == f"v1={expected}"
    told = json.loads(body)
    assert (told["hook"]["id"], told["hook"]["event"], told["data"]["uuid"]) == (webhook, event, file["id"])
    native.wire.rest("DELETE", f"/webhooks/{webhook}/")


def test_a_webhook_that_fails_is_told_again(native: Native, receiver: Receiver) -> None:
    receiver.statuses = [500]
    webhook = subscribe(native, receiver, "file.uploaded")

    file = native.brought(b"some text")

    until(lambda: receiver.told, lambda told: len(told) == 2, within=20)
    first, second = receiver.bodies()
    assert first["data"]["uuid"] == second["data"]["uuid"] == file["id"]
    log = until(
        lambda: native.call("GET", f"/webhooks/{webhook}/deliveries").json()["items"], lambda items: len(items) == 2
    )
    assert [(one["attempt"], one["status"], one["error"]) for one in log] == [
        (2, 200, None),
        (1, 500, "The receiver answered 500"),
    ]
    native.wire.rest("DELETE", f"/webhooks/{webhook}/")


def test_everything_granted_is_in_the_audit_trail(native: Native) -> None:
    upload = native.confirmed(b"some text")
    native.settle(upload)
    native.call("DELETE", f"/files/{upload.id}")

    entries = [one for one in native.call("GET", "/audit").json()["items"] if one["subject"] == upload.id]

    assert [one["action"] for one in entries] == ["file.deleted", "upload.confirmed", "upload.requested"]
    assert {one["actor"].partition(":")[0] for one in entries} == {"key"}
    assert entries[-1]["address"] == "127.0.0.1"
    assert native.keys.secret_key not in json.dumps(entries)


def test_a_revoked_key_stops_within_two_seconds(native: Native) -> None:
    key = native.server.cli("key", "create", native.keys.name)
    secret = key["secret_key"]
    token = native.token(secret=secret)
    assert native.call("GET", "/kinds", token=secret).status_code == 200
    until(lambda: native.ask(b"x", token=token).status_code, lambda status: status == 201, within=2)

    native.server.cli("key", "revoke", native.keys.name, str(key["id"]))
    time.sleep(2)

    refused(native.call("GET", "/kinds", token=secret), 401, "unauthenticated")
    refused(native.ask(b"x", token=token), 401, "token-invalid")
    assert native.call("GET", "/kinds").status_code == 200


def test_the_api_describes_itself(native: Native) -> None:
    description = native.call("GET", "/openapi.json", token="").json()

    assert description["openapi"].startswith("3.1")
    confirm = description["paths"]["/api/v1/uploads/{id}/confirm"]["post"]
    assert confirm["operationId"] == "confirmUpload"
    assert {"200", "404", "409", "410"} <= set(confirm["responses"])
    assert native.http.get("/docs/").status_code == 200


def test_operators_see_that_it_lives_works_and_counts(native: Native) -> None:
    native.brought(b"some text")

    assert native.http.get("/healthz").json() == {"status": "ok"}
    ready = native.http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok", "storage": "ok"})
    metrics = native.http.get("/metrics").text
    assert 'longshore_requests_total{api="native",status="201"}' in metrics
    assert native.http.get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 403
