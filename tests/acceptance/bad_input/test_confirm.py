"""Confirm: idempotent, for its owner only, and only of what is there."""

import pytest

from tests.acceptance.driver import Native, at_once, refused, sha256, times

MISSING = "The bytes have not arrived: send them with the signed request first, then confirm"


@pytest.mark.parametrize("send_by", ["put", "post"])
def test_confirming_before_the_bytes_is_refused_and_may_be_repeated(native: Native, send_by: str) -> None:
    upload = native.request(b"some text", send_by=send_by)

    refused(native.confirm(upload), 409, "bytes-missing", MISSING)
    refused(native.confirm(upload), 409, "bytes-missing", MISSING)

    assert native.status(upload)["state"] == "open"
    native.send(upload, b"some text")
    assert native.confirm(upload).status_code == 200


def test_confirming_twice_gives_the_same_file(native: Native) -> None:
    upload = native.sent(b"some text")
    first = native.confirm(upload).json()
    native.settle(upload)

    second = native.confirm(upload).json()

    assert (first["id"], first["state"]) == (second["id"], second["state"]) == (upload.id, "confirmed")
    assert second["file"]["state"] == "ready"
    assert second["file"]["uploaded_at"] == first["file"]["uploaded_at"]


def test_confirming_many_times_at_once_makes_one_file(native: Native) -> None:
    native.call("PUT", "/kinds/once", json={})
    upload = native.sent(b"some text", kind="once", record="user/once")

    answers = times(12, native.confirm, upload)

    assert {(answer.status_code, answer.json()["file"]["uploaded_at"]) for answer in answers} == {
        (200, answers[0].json()["file"]["uploaded_at"])
    }
    native.settle(upload)
    [position] = native.call("GET", "/records/user/once/once").json()["positions"]
    assert [version["version"] for version in position["versions"]] == [1]
    entries = native.call("GET", "/audit?limit=1000").json()["items"]
    assert [entry["action"] for entry in entries if entry["subject"] == upload.id] == [
        "upload.confirmed",
        "upload.requested",
    ]


@pytest.mark.parametrize("round_", range(10))
def test_confirm_and_abort_at_once_end_in_one_of_the_two(native: Native, round_: int) -> None:
    upload = native.sent(b"some text")

    confirms = [lambda: native.confirm(upload)] * 3
    aborts = [lambda: native.call("DELETE", f"/uploads/{upload.id}")] * 3
    calls = [call for pair in zip(confirms, aborts, strict=True) for call in (pair if round_ % 2 else pair[::-1])]
    answers = at_once(calls)

    state = native.status(upload)["state"]
    codes = {answer.json()["code"] for answer in answers if answer.status_code >= 400}
    if state == "confirmed":
        assert native.settle(upload)["state"] == "ready"
        assert native.deliver(upload.id).content == b"some text"
        assert codes <= {"upload-confirmed"}
    else:
        assert state == "aborted"
        assert native.lying(upload.id) == []
        assert native.delivered(upload.id) == {}
        assert codes <= {"upload-aborted", "bytes-missing"}


def test_confirming_and_sending_at_once_loses_nothing(native: Native) -> None:
    upload = native.request(b"some text")

    sent, *confirmed = at_once([lambda: native.send(upload, b"some text"), *[lambda: native.confirm(upload)] * 5])

    assert sent.status_code == 200
    assert {answer.status_code for answer in confirmed} <= {200, 409}
    assert native.confirm(upload).status_code == 200
    assert native.settle(upload)["digests"]["sha256"] == sha256(b"some text")


def test_an_aborted_upload_cannot_be_confirmed(native: Native) -> None:
    upload = native.sent(b"some text")
    assert native.call("DELETE", f"/uploads/{upload.id}").status_code == 204

    refused(native.confirm(upload), 410, "upload-aborted", "The upload was aborted")
    assert native.lying(upload.id) == []


def test_a_confirmed_upload_cannot_be_aborted(native: Native) -> None:
    upload = native.confirmed(b"some text")

    answer = native.call("DELETE", f"/uploads/{upload.id}")

    refused(answer, 409, "upload-confirmed", "The upload is confirmed already")
    assert native.settle(upload)["state"] == "ready"


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\xff", b"[" * 10_000])
def test_confirm_has_no_body_and_minds_none(native: Native, body: bytes) -> None:
    upload = native.sent(b"some text")

    assert native.call("POST", f"/uploads/{upload.id}/confirm", content=body).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE"])
def test_another_method_is_not_allowed(native: Native, method: str) -> None:
    upload = native.sent(b"some text")

    answer = native.call(method, f"/uploads/{upload.id}/confirm")

    assert refused(answer, 405, "method-not-allowed")["allowed"] == ["POST"]
    assert answer.headers["allow"] == "POST"
