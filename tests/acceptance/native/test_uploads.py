"""The six steps: request, send, confirm, check, and the file has its URLs."""

import json
from datetime import datetime, timedelta

import httpx
import pytest

from tests import corpus
from tests.acceptance.driver import Json, Native, refused, requested, sha256, times, until
from tests.acceptance.sweeper import sweep

PHOTO = corpus.photo_jpeg(320, 240, 1)
STEPS = ["digest", "scan", "inspect", "publish", "preview"]


@pytest.mark.parametrize("send_by", ["put", "post"])
def test_a_photograph_is_requested_sent_confirmed_checked_and_delivered(native: Native, send_by: str) -> None:
    upload = native.request(PHOTO, name="cat.jpg", type="image/jpeg", send_by=send_by, metadata={"album": "7"})
    assert upload.send["method"] == send_by.upper()
    assert native.status(upload)["state"] == "open"

    sent = native.send(upload, PHOTO)
    assert (sent.status_code, bool(sent.headers["etag"])) == (200 if send_by == "put" else 204, True)
    confirmed = native.confirm(upload).json()
    assert (confirmed["id"], confirmed["state"], [step["name"] for step in confirmed["steps"]]) == (
        upload.id,
        "confirmed",
        STEPS,
    )

    file = native.settle(upload)
    assert (file["state"], file["size"], file["name"], file["metadata"]) == (
        "ready",
        len(PHOTO),
        "cat.jpg",
        {"album": "7"},
    )
    assert (file["detected_type"], file["image"]["width"], file["image"]["height"]) == ("image/jpeg", 320, 240)
    assert file["digests"]["sha256"] == sha256(PHOTO)
    assert httpx.get(file["urls"]["original"]).content == PHOTO
    assert httpx.get(file["urls"]["preview"]).headers["content-type"] == "image/webp"
    steps = until(lambda: native.status(upload)["steps"], lambda steps: steps[-1]["state"] == "done")
    assert {step["name"]: step["state"] for step in steps} == {
        **dict.fromkeys(STEPS, "done"),
        "scan": "skipped",  # there is no scanner, and `scan` says so
    }
    assert file["scan"] == "unscanned"


def test_the_upload_has_tokens_of_its_own(native: Native) -> None:
    upload = native.sent(b"some text")

    assert native.confirm(upload, token=upload.write).status_code == 200
    native.settle(upload)
    for token in (upload.write, upload.read):
        assert native.call("GET", f"/uploads/{upload.id}", token=token).json()["file"]["state"] == "ready"
        assert native.call("GET", f"/files/{upload.id}", token=token).json()["id"] == upload.id


def test_a_browser_needs_the_public_key_and_then_the_write_token(native: Native) -> None:
    answer = native.call(
        "POST",
        "/uploads",
        token="",
        params={"pub_key": native.keys.public_key},
        json={"name": "a.txt", "type": "text/plain", "size": 9},
        headers={"Origin": "https://app.example"},
    )
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (201, "*")
    upload = requested(answer.json())

    native.send(upload, b"some text")

    assert native.confirm(upload, token=upload.write).status_code == 200
    assert native.settle(upload)["state"] == "ready"


@pytest.mark.parametrize("path", ["/uploads", "/uploads/x/confirm", "/nothing"])
def test_a_preflight_is_answered(native: Native, path: str) -> None:
    answer = native.call("OPTIONS", path, token="")

    if path == "/nothing":
        refused(answer, 404, "route-not-found")
    else:
        assert answer.status_code == 204
        assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_the_link_is_signed_anew_on_demand(native: Native) -> None:
    upload = native.request(b"some text")

    answer = native.call("POST", f"/uploads/{upload.id}/link", token=upload.write, json={"send_by": "post"})

    assert answer.json()["send"]["method"] == "POST"
    assert native.send(requested(answer.json()), b"some text").status_code == 204
    assert native.confirm(upload).status_code == 200


# -- batches and repeating ---------------------------------------------------------------------------------------------


def test_a_batch_of_a_thousand_answers_for_each(native: Native) -> None:
    wanted: list[Json] = [{"name": f"{n}.txt", "type": "text/plain", "size": 9} for n in range(1000)]
    wanted[10]["name"], wanted[500]["type"], wanted[999]["kind"] = "..", "nonsense", "nobody"

    answer = native.call("POST", "/uploads", json=wanted)

    assert answer.status_code == 200
    items = answer.json()["items"]
    bad = {number: item["problem"]["code"] for number, item in enumerate(items) if item["status"] != 201}
    assert bad == {10: "bad-name", 500: "bad-type", 999: "kind-not-found"}
    assert len({item["upload"]["id"] for item in items if item["status"] == 201}) == 997
    last = requested(items[998]["upload"])
    native.send(last, b"some text")
    native.confirm(last)
    assert native.settle(last)["name"] == "998.txt"


def test_a_batch_of_more_is_refused(native: Native) -> None:
    wanted = [{"name": "a", "type": "text/plain"}] * 1001

    refused(native.call("POST", "/uploads", json=wanted), 400, "body-invalid")


BODY = {"name": "a.txt", "type": "text/plain", "size": 9}


def test_a_repeated_request_gives_the_same_upload(native: Native) -> None:
    key = {"Idempotency-Key": "repeated"}
    first, second = (native.call("POST", "/uploads", json=BODY, headers=key) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    same = ("id", "write_token", "read_token", "expires_at")
    assert [first.json()[name] for name in same] == [second.json()[name] for name in same]


def test_the_same_request_many_times_at_once_makes_one_upload(native: Native) -> None:
    answers = times(10, native.call, "POST", "/uploads", json=BODY, headers={"Idempotency-Key": "concurrent"})

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_repeated_batch_is_answered_item_by_item(native: Native) -> None:
    key = {"Idempotency-Key": "batch"}
    wanted = [BODY, {**BODY, "name": ".."}, BODY]
    first, second = (native.call("POST", "/uploads", json=wanted, headers=key).json()["items"] for _ in range(2))

    assert [item["status"] for item in first] == [item["status"] for item in second] == [201, 400, 201]
    assert first[0]["upload"]["id"] == second[0]["upload"]["id"] != first[2]["upload"]["id"]


@pytest.mark.parametrize("body", [{**BODY, "size": 10}, [BODY, BODY], {**BODY, "store": True}])
def test_a_key_used_for_something_else_is_refused(native: Native, body: object) -> None:
    key = {"Idempotency-Key": f"reused {json.dumps(body)}"}
    assert native.call("POST", "/uploads", json=BODY, headers=key).status_code == 201

    answer = native.call("POST", "/uploads", json=body, headers=key)

    refused(answer, 409, "idempotency-key-reused", "This Idempotency-Key was used for a different request")


def test_a_key_repeated_after_confirm_tells_that_it_is_confirmed(native: Native) -> None:
    key = {"Idempotency-Key": "after confirm"}
    upload = requested(native.call("POST", "/uploads", json=BODY, headers=key).json())
    native.send(upload, b"some text")
    native.confirm(upload)

    again = native.call("POST", "/uploads", json=BODY, headers=key).json()

    assert (again["id"], again["state"], again["send"]) == (upload.id, "confirmed", None)


# -- followed, aborted, expired ----------------------------------------------------------------------------------------


def test_events_tell_of_every_change_until_the_end(native: Native) -> None:
    upload = native.confirmed(PHOTO, name="cat.jpg", type="image/jpeg")
    path = f"/api/v1/uploads/{upload.id}/events"
    told: list[tuple[str, Json]] = []

    with native.http.stream("GET", path, headers={"Authorization": f"Bearer {upload.read}"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        event = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told.append((event, json.loads(line.removeprefix("data: "))))

    assert [name for name, _ in told] == ["status"] * (len(told) - 1) + ["end"]
    assert told[-2][1]["file"]["state"] == "ready"


def test_an_aborted_upload_leaves_nothing(native: Native) -> None:
    upload = native.sent(b"some text")

    assert native.call("DELETE", f"/uploads/{upload.id}", token=upload.write).status_code == 204
    assert native.call("DELETE", f"/uploads/{upload.id}", token=upload.write).status_code == 204

    assert native.status(upload)["state"] == "aborted"
    assert native.lying(upload.id) == []
    refused(native.confirm(upload), 410, "upload-aborted")


def test_an_upload_nobody_confirms_expires_with_its_bytes(native: Native) -> None:
    upload = native.sent(b"some text")
    answer = native.call("GET", f"/uploads/{upload.id}").json()
    assert answer["state"] == "open"

    sweep(native.server, later=timedelta(hours=23, minutes=59))
    assert native.lying(upload.id)
    sweep(native.server, later=timedelta(hours=24, minutes=10))

    assert native.lying(upload.id) == []
    assert native.status(upload)["state"] == "expired"
    refused(native.confirm(upload), 410, "upload-expired", "The upload was not confirmed in time")


def test_a_temporary_file_goes_after_a_day_and_its_bytes_a_day_later(native: Native) -> None:
    temporary = native.brought(b"some text", store=False)
    kept = native.brought(b"some text", store=True)
    assert datetime.fromisoformat(temporary["expires_at"]) - datetime.fromisoformat(
        temporary["uploaded_at"]
    ) == timedelta(days=1)

    sweep(native.server, later=timedelta(hours=24, minutes=1))
    until(lambda: native.deliver(temporary["id"]).status_code, lambda status: status == 404)
    assert native.call("GET", f"/files/{temporary['id']}").json()["state"] == "removed"
    assert native.deliver(kept["id"]).status_code == 200

    sweep(native.server, later=timedelta(hours=49))
    assert native.lying(temporary["id"]) == []
    refused(native.call("PATCH", f"/files/{temporary['id']}", json={"stored": True}), 404, "file-not-found")


def test_a_removed_file_is_hidden_at_once_and_comes_back_when_stored(native: Native) -> None:
    file_id = native.brought(PHOTO, name="cat.jpg", type="image/jpeg")["id"]
    assert native.deliver(file_id, "-/preview/64x64/").status_code == 200

    assert native.call("DELETE", f"/files/{file_id}").json()["state"] == "removed"
    assert native.delivered(file_id) == {}
    until(lambda: [path for path in native.lying(file_id) if "~" not in path], lambda derived: derived == [])

    assert native.call("PATCH", f"/files/{file_id}", json={"stored": True}).json()["state"] == "ready"
    assert native.deliver(file_id).content == PHOTO
