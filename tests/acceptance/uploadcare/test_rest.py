"""The REST API v0.7 on the wire (contract 2)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.acceptance.uploadcare.wire import V07, Wire, eventually
from tests.servers.longshore import Longshore, running_longshore

NOWHERE = "11111111-1111-4111-8111-111111111111"
VERSION = "Incorrect Accept header provided. Make sure to specify API version. Refer to REST API docs for details."


@pytest.fixture
def file_id(wire: Wire) -> str:
    return wire.uploaded("my kitten-1.txt", b"meow", ("UPLOADCARE_STORE", "0"), ("metadata[a]", "b"))


@pytest.fixture(scope="module")
def other(server: Longshore) -> Iterator[Wire]:
    with Wire(server.url, server.new_project("rest-other")) as wire:
        yield wire


# -- version and headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/vnd.uploadcare-v0.6+json", "application/vnd.uploadcare-v0.7", ""]
)
def test_the_version_must_be_accepted(wire: Wire, accept: str) -> None:
    answer = wire.rest("GET", "/project/", headers={"Accept": accept})

    assert (answer.status_code, answer.json()) == (406, {"detail": VERSION})


@pytest.mark.parametrize("accept", [f"text/html, {V07};q=0.9", V07.upper()])
def test_the_version_may_stand_in_a_list(wire: Wire, accept: str) -> None:
    assert wire.rest("GET", "/project/", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/files/", 200, "GET, HEAD, OPTIONS"),
        ("GET", "/files", 200, "GET, HEAD, OPTIONS"),
        ("GET", "/project/", 200, "GET, HEAD, OPTIONS"),
        ("HEAD", "/project/", 200, "GET, HEAD, OPTIONS"),
        ("OPTIONS", "/webhooks/", 204, "GET, POST, HEAD, OPTIONS"),
        ("PUT", f"/files/{NOWHERE}/storage/", 404, "PUT, DELETE, OPTIONS"),
        ("POST", "/files/", 405, "GET, HEAD, OPTIONS"),
    ],
)
def test_every_answer_carries_the_recorded_headers(wire: Wire, method: str, path: str, status: int, allow: str) -> None:
    answer = wire.rest(method, path)

    assert answer.status_code == status
    headers = answer.headers
    assert headers.get("content-type") == (None if status == 204 else V07)
    assert headers["allow"] == allow
    assert headers["vary"] == "Accept"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["x-robots-tag"] == "noindex, nofollow, nosnippet, noarchive"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-xss-protection"] == "1; mode=block"
    assert headers["access-control-allow-origin"] == "*"
    assert UUID(headers["x-uploadcare-request-id"])
    if method == "HEAD":
        assert answer.content == b""
        assert int(headers["content-length"]) > 0


def test_a_preflight_needs_no_credentials(wire: Wire) -> None:
    answer = wire.send("OPTIONS", "/files/", headers={"Origin": "https://example.com"})

    assert answer.status_code == 204
    assert "X-Uploadcare-Date" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    "path", ["/files/a/b/c/", "/files/storage/more/", "/groups/", "/convert/video/", "/project/1/"]
)
def test_unknown_paths_are_not_found_in_this_apis_words(wire: Wire, path: str) -> None:
    answer = wire.rest("GET", path)

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    assert answer.headers["content-type"] == V07


def test_a_wrong_method_is_named(wire: Wire) -> None:
    answer = wire.rest("PATCH", "/files/")

    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "PATCH" not allowed.'})


# -- who calls ---------------------------------------------------------------------------------------------------------

NOT_PROVIDED = "Authentication credentials were not provided."
INCORRECT = "Incorrect authentication credentials."


@pytest.mark.parametrize(
    ("credentials", "detail"),
    [
        (None, NOT_PROVIDED),
        ("", NOT_PROVIDED),
        ("Bearer abc", NOT_PROVIDED),
        ("Uploadcare.Simple", INCORRECT),
        ("Uploadcare.Simple nocolon", INCORRECT),
        ("Uploadcare.Simple :secret", INCORRECT),
        ("Uploadcare.Simple key:", INCORRECT),
        ("Uploadcare.Simple nobody:secret", "Public key nobody not found."),
        ("Uploadcare nobody:secret", "Public key nobody not found."),
        ("Uploadcare.Simple $key:wrong", "Secret key not found."),
        ("Uploadcare.Simple $key:wrong:more", "Secret key not found."),
        ("Uploadcare $key:abcdef", INCORRECT),  # without a date
    ],
)
def test_bad_credentials_are_told_apart(wire: Wire, credentials: str | None, detail: str) -> None:
    headers = {"Accept": V07}
    if credentials is not None:
        headers["Authorization"] = credentials.replace("$key", wire.keys.public_key)
    answer = wire.send("GET", "/project/", headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"detail": detail})
    assert "www-authenticate" not in answer.headers


def test_a_signed_call_is_let_in(wire: Wire) -> None:
    assert wire.signed("GET", "/project/").status_code == 200
    assert wire.signed("HEAD", "/project/").status_code == 200
    assert wire.signed("GET", "/project/", content_type="").status_code == 200
    assert wire.signed("GET", "/project/", date_header="X-Uploadcare-Date").status_code == 200


def test_the_uri_is_signed_as_it_came(wire: Wire) -> None:
    path = "/files/?from=2016-09-30T11%3a10%3A54%2B00:00&limit=%31"

    assert wire.signed("GET", path).status_code == 200
    assert wire.signed("GET", path, as_path=path.replace("%3a", "%3A")).status_code == 401


def test_pyuploadcares_second_comma_is_signed_as_it_came(wire: Wire) -> None:
    date = datetime.now(UTC).strftime("%a, %d %b %Y, %H:%M:%S GMT")

    assert wire.signed("GET", "/project/", date=date).status_code == 200


@pytest.mark.parametrize("away", [timedelta(minutes=-16), timedelta(minutes=16)])
def test_an_old_or_early_signature_is_refused(wire: Wire, away: timedelta) -> None:
    date = (datetime.now(UTC) + away).strftime("%a, %d %b %Y %H:%M:%S GMT")

    assert wire.signed("GET", "/project/", date=date).json() == {"detail": INCORRECT}


def test_a_foreign_signature_is_refused(wire: Wire, other: Wire) -> None:
    answer = wire.signed("GET", "/project/", secret=other.keys.secret_key)

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Invalid signature. Please check your Secret key."}


def test_another_projects_secret_is_not_found(wire: Wire, other: Wire) -> None:
    simple = f"Uploadcare.Simple {wire.keys.public_key}:{other.keys.secret_key}"

    assert wire.rest("GET", "/project/", headers={"Authorization": simple}).json() == {
        "detail": "Secret key not found."
    }


def test_any_active_key_opens_and_a_revoked_one_does_not(server: Longshore, other: Wire) -> None:
    made = server.cli("key", "create", other.keys.name)
    secret = made["secret_key"]
    assert eventually(lambda: other.signed("GET", "/project/", secret=secret).status_code == 200)

    server.cli("key", "revoke", other.keys.name, str(made["id"]))
    assert eventually(lambda: other.signed("GET", "/project/", secret=secret).status_code == 401)


def test_simple_credentials_over_http_can_be_forbidden() -> None:
    with running_longshore({"HTTP__SIMPLE_AUTH_OVER_HTTP": "false"}) as server, Wire(server.url, server.demo) as wire:
        answer = wire.rest("GET", "/project/")

        assert answer.status_code == 400
        assert answer.json() == {
            "detail": "Simple authentication over HTTP is forbidden. Please, use HTTPS or signed requests instead."
        }
        assert wire.signed("GET", "/project/").status_code == 200


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_is_described_in_the_contracts_order(wire: Wire, file_id: str) -> None:
    file = wire.rest("GET", f"/files/{file_id}/").json()

    assert file["datetime_uploaded"][-8:].endswith("Z")
    assert datetime.strptime(file["datetime_uploaded"], "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007 -- only its form
    assert list(file.items()) == [
        ("datetime_removed", None),
        ("datetime_stored", None),
        ("datetime_uploaded", file["datetime_uploaded"]),
        ("is_image", False),
        ("is_ready", True),
        ("mime_type", "application/octet-stream"),
        ("original_file_url", f"{wire.url}/{file_id}/mykitten1.txt"),
        ("original_filename", "my kitten-1.txt"),
        ("size", 4),
        ("url", f"{wire.url}/files/{file_id}/"),
        ("uuid", file_id),
        ("variations", None),
        ("content_info", {"mime": {"mime": "text/plain", "type": "text", "subtype": "plain"}}),
        ("metadata", {"a": "b"}),
        ("tags", []),
    ]
    assert wire.rest("GET", f"/files/{file_id}/?include=appdata").json()["appdata"] == {}


@pytest.mark.parametrize("ident", ["nonexistent", NOWHERE, "%00", NOWHERE.replace("-", "")])
@pytest.mark.parametrize(
    ("method", "suffix"), [("GET", ""), ("PUT", "storage/"), ("DELETE", "storage/"), ("GET", "metadata/")]
)
def test_what_is_not_there_is_not_found(wire: Wire, ident: str, method: str, suffix: str) -> None:
    answer = wire.rest(method, f"/files/{ident}/{suffix}")

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_files_of_others_are_not_found(file_id: str, other: Wire) -> None:
    assert other.rest("GET", f"/files/{file_id}/").status_code == 404
    assert other.rest("DELETE", f"/files/{file_id}/storage/").status_code == 404


def test_storing_is_repeatable_and_revives(wire: Wire, file_id: str) -> None:
    first = wire.rest("PUT", f"/files/{file_id}/storage/").json()
    assert first["datetime_stored"]
    assert wire.rest("PUT", f"/files/{file_id}/storage/").json() == first

    removed = wire.rest("DELETE", f"/files/{file_id}/storage/").json()
    assert removed == {**first, "datetime_stored": None, "datetime_removed": removed["datetime_removed"]} | {
        "original_file_url": None
    }
    assert wire.rest("GET", f"/files/{file_id}/").json() == removed
    assert wire.send("GET", f"/{file_id}/").status_code == 404

    revived = wire.rest("PUT", f"/files/{file_id}/storage/").json()
    assert (revived["datetime_removed"], bool(revived["datetime_stored"])) == (None, True)
    assert wire.send("GET", f"/{file_id}/").content == b"meow"


def test_the_old_way_to_remove_works_too(wire: Wire, file_id: str) -> None:
    assert wire.rest("DELETE", f"/files/{file_id}/").json()["datetime_removed"]


def test_a_batch_answers_for_each(wire: Wire, other: Wire, file_id: str) -> None:
    foreign = other.uploaded("a", b"a")
    answer = wire.rest("PUT", "/files/storage/", json=[file_id, "bad", NOWHERE, foreign, file_id, 7])

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "problems": {
            "bad": "Invalid",
            NOWHERE: "Missing in the project",
            foreign: "Missing in the project",
            "7": "Invalid",
        },
        "result": [wire.rest("GET", f"/files/{file_id}/").json()],
    }
    assert wire.rest("DELETE", "/files/storage/", json=[file_id]).json()["result"][0]["datetime_removed"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{}", "Expected list of UUIDs"),
        (b'"a"', "Expected list of UUIDs"),
        (b"[]", "List of UUIDs can not be empty"),
        (json.dumps([NOWHERE] * 101).encode(), "Maximum UUIDs per request is exceeded. The limit is 100"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_bad_batch_is_refused(wire: Wire, method: str, body: bytes, detail: str) -> None:
    answer = wire.rest(method, "/files/storage/", content=body)

    assert (answer.status_code, answer.json()) == (400, {"detail": detail})


@pytest.mark.parametrize("body", [b"", b"[", b"\xff", b"[" * 100_000])
def test_a_broken_body_is_refused(wire: Wire, body: bytes) -> None:
    answer = wire.rest("PUT", "/files/storage/", content=body)

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error")


def test_a_huge_body_is_refused(wire: Wire) -> None:
    answer = wire.rest("PUT", "/files/storage/", content=b" " * (2 << 20))

    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def test_metadata_is_read(wire: Wire, file_id: str) -> None:
    assert wire.rest("GET", f"/files/{file_id}/metadata/").json() == {"a": "b"}
    assert wire.rest("GET", f"/files/{file_id}/metadata/a/").json() == "b"
    assert wire.rest("GET", f"/files/{file_id}/metadata/z/").status_code == 404


# -- webhooks and the project ------------------------------------------------------------------------------------------


def test_webhooks_take_json_and_forms(own: Wire) -> None:
    target = f"https://example.com/{uuid4()}"
    made = own.rest("POST", "/webhooks/", json={"target_url": target, "event": "file.infected", "is_active": False})

    hook = made.json()
    assert made.status_code == 201
    assert hook == {
        "id": hook["id"],
        "created": hook["created"],
        "updated": hook["created"],
        "event": "file.infected",
        "target_url": target,
        "project": hook["project"],
        "is_active": False,
        "signing_secret": None,
        "version": "0.7",
    }
    newer = own.rest("POST", "/webhooks/", data={"target_url": target, "event": "file.deleted", "is_active": "True"})
    assert (newer.status_code, newer.json()["is_active"]) == (201, True)
    assert own.rest("GET", "/webhooks/").json() == [newer.json(), hook]

    changed = own.rest("PUT", f"/webhooks/{hook['id']}/", data={"is_active": "true", "signing_secret": "s"}).json()
    assert (changed["is_active"], changed["signing_secret"], changed["event"]) == (True, "s", "file.infected")
    cleared = own.rest("PUT", f"/webhooks/{hook['id']}/", json={"signing_secret": None}).json()
    assert cleared["signing_secret"] is None
    taken = own.rest("PUT", f"/webhooks/{hook['id']}/", json={"event": "file.deleted"})
    assert taken.json() == {"non_field_errors": ["This project is already subscribed on this event"]}

    assert own.rest("DELETE", "/webhooks/unsubscribe/", json={"target_url": target}).status_code == 204
    assert own.rest("GET", "/webhooks/").json() == []


def test_unsubscribing_what_nobody_subscribed_is_fine(own: Wire) -> None:
    gone = own.rest("DELETE", "/webhooks/unsubscribe/", data={"target_url": "https://example.com/none"})

    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-type" not in gone.headers
    aloud = own.rest("POST", "/webhooks/unsubscribe/", json={"target_url": "https://example.com/none"})
    assert (aloud.status_code, aloud.json()) == (200, {"detail": "Webhook deleted"})


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        ({}, {"detail": "`target_url` is missing."}),
        ({"target_url": ""}, {"detail": "`target_url` is missing."}),
        ({"target_url": "https://a.example"}, {"detail": "`event` is missing."}),
        (
            {"target_url": "https://a.example", "event": "file.eaten"},
            {"event": ["Must be one of: file.uploaded, file.infected, file.deleted."]},
        ),
        (
            {"target_url": "https://a.example", "event": "file.uploaded", "is_active": "maybe"},
            {"is_active": ["Must be a valid boolean."]},
        ),
        (
            {"target_url": "https://a.example", "event": "file.uploaded", "signing_secret": "s" * 33},
            {"detail": "`signing_secret` may have at most 32 characters"},
        ),
        (
            {"target_url": "javascript:alert(1)", "event": "file.uploaded"},
            {"detail": "`target_url` must be an http or https URL of at most 255 characters"},
        ),
    ],
)
def test_bad_webhooks_are_refused(own: Wire, sent: dict[str, str], body: dict[str, object]) -> None:
    for how in ({"json": sent}, {"data": sent}):
        answer = own.rest("POST", "/webhooks/", **how)
        assert (answer.status_code, answer.json()) == (400, body)


@pytest.mark.parametrize("ident", ["0", "999999", "x", "٣", str(1 << 63), str((1 << 63) - 1)])
def test_unknown_webhooks_are_not_found(own: Wire, ident: str) -> None:
    for method in ("PUT", "DELETE"):
        assert own.rest(method, f"/webhooks/{ident}/", json={}).status_code == 404


def test_the_project_is_described(own: Wire) -> None:
    assert own.rest("GET", "/project/").json() == {
        "collaborators": [],
        "name": own.keys.name,
        "pub_key": own.keys.public_key,
        "autostore_enabled": True,
    }
