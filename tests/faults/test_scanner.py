"""clamd away, frozen, or dying in the middle: no answer is never "clean", and nothing waits for ever."""

from collections.abc import Callable

import pytest

from tests.acceptance.bad_input.upload_api import posted
from tests.acceptance.driver import Json, Native, refused, until
from tests.eicar import eicar, eicar_zip, eicar_zip_twice
from tests.faults.conftest import Scanned

CLEAN = b"a harmless text"
CONTENTS = [
    pytest.param(lambda: CLEAN, "ready", id="clean"),
    pytest.param(eicar, "quarantined", id="EICAR"),
    pytest.param(eicar_zip, "quarantined", id="EICAR zipped"),
    pytest.param(eicar_zip_twice, "quarantined", id="EICAR zipped twice"),
]
LARGE = 20_000_000


def by_put(native: Native, content: bytes) -> str:
    return native.confirmed(content).id


def by_form(native: Native, content: bytes) -> str:
    return native.confirmed(content, send_by="post").id


def by_base(native: Native, content: bytes) -> str:
    answer = posted(native, ("file", "a.bin", None, content))
    assert answer.status_code == 200, answer.text
    return answer.json()["file"]


WAYS = [by_put, by_form, by_base]


def scan_step(native: Native, file_id: str) -> Json:
    return next(step for step in native.status(file_id)["steps"] if step["name"] == "scan")


def assert_still_checking(native: Native, file_id: str) -> None:
    file = native.file(file_id)
    assert (file["state"], file["urls"], file["scan"]) == ("checking", None, None)
    assert native.delivered(file_id) == {}
    refused(native.call("POST", f"/files/{file_id}/url", json={}), 409, "file-not-ready")
    shown = native.wire.rest("GET", f"/files/{file_id}/").json()
    assert (shown["is_ready"], shown["original_file_url"]) == (False, None)
    assert native.wire.info(file_id).json()["is_ready"] is False


def assert_ended(native: Native, file_id: str, state: str) -> None:
    assert native.settle(file_id, within=20)["state"] == state
    if state == "quarantined":
        assert native.delivered(file_id) == {}
        assert [path.partition("/")[0] for path in native.lying(file_id)] == ["quarantine"]
    else:
        assert native.deliver(file_id).status_code == 200
        assert native.file(file_id)["scan"] == "clean"


@pytest.mark.parametrize("way", WAYS)
def test_without_clamd_every_file_waits_and_is_judged_when_it_is_back(
    scanned: Scanned, way: Callable[..., str]
) -> None:
    scanned.clamd.kill()
    native = scanned.native
    contents = {CLEAN: "ready", eicar(): "quarantined", eicar_zip(): "quarantined", eicar_zip_twice(): "quarantined"}
    ids = [(way(native, content), state) for content, state in contents.items()]

    for file_id, _ in ids:
        step = until(lambda file_id=file_id: scan_step(native, file_id), lambda step: step["state"] == "retrying")
        assert str(step["reason"]).startswith("No connection to clamd at ")
        assert_still_checking(native, file_id)

    scanned.clamd.start()
    for file_id, state in ids:
        assert_ended(native, file_id, state)


@pytest.mark.parametrize(("content", "state"), CONTENTS)
def test_clamd_dying_in_the_middle_of_a_scan_is_not_clean(
    scanned: Scanned, content: Callable[[], bytes], state: str
) -> None:
    native = scanned.native
    scanned.clamd.pause()
    file_id = native.confirmed(content()).id
    until(lambda: native.status(file_id)["progress"] or native.status(file_id)["file"], bool)
    assert_still_checking(native, file_id)

    scanned.clamd.kill()

    step = until(lambda: scan_step(native, file_id), lambda step: step["state"] == "retrying")
    assert step["reason"] in (
        "The malware scanner hung up without an answer",
        f"No connection to clamd at {scanned.clamd.socket}: Connection refused",
    )
    assert_still_checking(native, file_id)
    scanned.clamd.start()
    assert_ended(native, file_id, state)


def test_clamd_dying_while_it_is_fed_is_not_clean(scanned: Scanned) -> None:
    """The malware is at the end of more bytes than any buffer holds."""
    native = scanned.native
    scanned.clamd.pause()
    file_id = native.confirmed(bytes(LARGE) + eicar()).id

    scanned.clamd.kill()

    until(lambda: scan_step(native, file_id), lambda step: step["state"] == "retrying")
    assert_still_checking(native, file_id)
    scanned.clamd.start()
    assert_ended(native, file_id, "quarantined")


def test_a_frozen_clamd_only_delays(scanned: Scanned) -> None:
    native = scanned.native
    scanned.clamd.pause()
    clean, bad = native.confirmed(CLEAN).id, native.confirmed(eicar()).id

    for file_id in (clean, bad):
        assert_still_checking(native, file_id)

    scanned.clamd.resume()
    assert_ended(native, clean, "ready")
    assert_ended(native, bad, "quarantined")


def test_the_upload_api_answers_before_a_frozen_clamd_does(scanned: Scanned) -> None:
    """And tells the truth afterwards (decision 12)."""
    native = scanned.native
    scanned.clamd.pause()
    file_id = by_base(native, eicar())
    assert_still_checking(native, file_id)

    scanned.clamd.resume()

    assert_ended(native, file_id, "quarantined")
    error = native.wire.info(file_id, jsonerrors="1").json()["error"]
    assert error["error_code"] == "FileInfectedError"


def test_storing_and_removing_go_on_while_clamd_is_away(scanned: Scanned) -> None:
    native = scanned.native
    scanned.clamd.kill()
    stored, removed = native.confirmed(eicar(), store=False).id, native.confirmed(eicar()).id

    assert native.call("PATCH", f"/files/{stored}", json={"stored": True}).json()["stored_at"] is not None
    assert native.call("DELETE", f"/files/{removed}").json()["state"] == "removed"

    assert_still_checking(native, stored)
    scanned.clamd.start()
    assert_ended(native, stored, "quarantined")
    assert native.call("PATCH", f"/files/{removed}", json={"stored": True}).json()["state"] == "checking"
    assert_ended(native, removed, "quarantined")


def test_what_is_ready_is_delivered_without_clamd(scanned: Scanned) -> None:
    file_id = scanned.native.brought(CLEAN)["id"]

    scanned.clamd.kill()

    assert scanned.native.deliver(file_id).content == CLEAN


def test_readyz_says_that_the_scanner_is_away_and_comes_back(scanned: Scanned) -> None:
    http = scanned.native.http
    scanned.clamd.kill()

    answer = http.get("/readyz")

    assert (answer.status_code, answer.json()["checks"]["scanner"]) == (503, "scanner-failed")
    assert int(answer.headers["retry-after"]) >= 1
    assert http.get("/healthz").status_code == 200
    scanned.clamd.start()
    assert http.get("/readyz").status_code == 200
