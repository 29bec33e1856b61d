"""The database locked by another process: what writes is 503 with Retry-After in its own dialect, what reads goes on,
nothing half-done stays, and all of it works again when the lock is gone."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from tests import corpus
from tests.acceptance.bad_input.upload_api import posted, rest_refusal, upload_refusal
from tests.acceptance.driver import Native, Requested, at_once, no_mistakes, refusal

SENTENCE = "The database did not answer: database is locked"


@contextlib.contextmanager
def locked(native: Native) -> Iterator[None]:
    """As by another process, which this is."""
    with contextlib.closing(sqlite3.connect(native.server.data / "longshore.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")


@dataclass(frozen=True)
class Seen:
    """What was answered while the database was locked, and what lay in the data folder before and after."""

    answers: Mapping[str, httpx.Response]
    arrived: Requested
    photo: str
    before: list[str]
    after: list[str]


@pytest.fixture(scope="module")
def seen(_own: Native) -> Seen:
    """Everything is asked at the same time, because each answer takes as long as the database's patience."""
    native = _own
    photo = native.brought(corpus.png(40, 30, 1), name="a.png", type="image/png")["id"]
    arrived, open_upload, given_up = native.sent(b"some text"), native.request(b"some text"), native.sent(b"some text")
    preview = "-/preview/320x320/-/format/webp/"
    assert native.deliver(photo, preview).status_code == 200
    known = (arrived.id, open_upload.id)  # their bytes move on or arrive meanwhile, as they may
    before = [path for path in native.lying("") if not any(one in path for one in known)]
    file: tuple[str, str, str | None, bytes] = ("file", "a.txt", None, b"some text")
    calls: dict[str, Callable[[], httpx.Response]] = {
        "request": lambda: native.ask(b"x"),
        "batch": lambda: native.call("POST", "/uploads", json=[{"name": "a", "type": "a/b"}] * 3),
        "confirm": lambda: native.confirm(arrived),
        "abort": lambda: native.call("DELETE", f"/uploads/{given_up.id}"),
        "kind": lambda: native.call("PUT", "/kinds/locked", json={}),
        "remove": lambda: native.call("DELETE", f"/files/{photo}"),
        "base plain": lambda: posted(native, file),
        "base json": lambda: posted(native, file, error_mode="json"),
        "rest remove": lambda: native.wire.rest("DELETE", f"/files/{photo}/storage/"),
        "rest webhook": lambda: native.wire.rest(
            "POST", "/webhooks/", json={"target_url": "http://example.com/", "event": "file.uploaded"}
        ),
        "put": lambda: native.send(open_upload, b"some text"),
        "status": lambda: native.call("GET", f"/uploads/{arrived.id}"),
        "rest list": lambda: native.wire.rest("GET", "/files/"),
        "info": lambda: native.wire.info(photo),
        "original": lambda: native.deliver(photo),
        "healthz": lambda: native.http.get("/healthz"),
    }
    with no_mistakes(native.server):
        with locked(native):
            answers = dict(zip(calls, at_once(list(calls.values())), strict=True))
        after = [path for path in native.lying("") if not any(one in path for one in known)]
    return Seen(answers, arrived, photo, before, after)


@pytest.mark.parametrize("call", ["request", "batch", "confirm", "abort", "kind", "remove"])
def test_a_native_call_that_writes_is_busy(seen: Seen, call: str) -> None:
    status, code, sentence = refusal(seen.answers[call])

    assert (status, code) == (503, "database-busy")
    assert sentence


@pytest.mark.parametrize("error_mode", ["plain", "json"])
def test_a_direct_upload_is_busy(seen: Seen, error_mode: str) -> None:
    status, code, message = upload_refusal(seen.answers[f"base {error_mode}"], error_mode)

    assert (status, code) == (503, "UploadAPIError")
    assert message.startswith("Internal error. ")


@pytest.mark.parametrize("call", ["rest remove", "rest webhook"])
def test_a_rest_call_that_writes_is_busy(seen: Seen, call: str) -> None:
    answer = seen.answers[call]

    assert rest_refusal(answer)[0] == 503
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("call", ["put", "status", "rest list", "info", "original", "healthz"])
def test_what_needs_no_lock_goes_on(seen: Seen, call: str) -> None:
    assert seen.answers[call].status_code == 200


def test_nothing_was_left_and_nothing_was_lost(seen: Seen) -> None:
    assert seen.after == seen.before


def test_all_of_it_works_again_afterwards(seen: Seen, own: Native) -> None:
    assert own.ask(b"x").status_code == 201
    assert own.confirm(seen.arrived).status_code == 200
    assert own.settle(seen.arrived)["state"] == "ready"
    assert own.deliver(seen.arrived.id).content == b"some text"
    assert posted(own, ("file", "a.txt", None, b"some text")).status_code == 200
    assert own.deliver(seen.photo).status_code == 200


def test_a_file_confirmed_a_moment_before_is_checked_afterwards(own: Native) -> None:
    uploads = [own.sent(b"some text") for _ in range(8)]
    for upload in uploads:
        own.confirm(upload)
    with locked(own):
        for upload in uploads:
            assert own.status(upload)["state"] == "confirmed"
            assert own.file(upload)["state"] in ("checking", "ready")

    for upload in uploads:
        assert own.settle(upload, within=70)["state"] == "ready"
