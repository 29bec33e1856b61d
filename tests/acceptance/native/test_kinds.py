"""Kinds, and what they do: types, sizes, visibility, retention; records with versions; private files."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import corpus
from tests.acceptance.driver import Native, at_once, refused, until

PNG = corpus.png(40, 30, 1)
TOML = """
[avatar]
accept = ["image/jpeg", "image/png"]
size = { "*" = "5 MB", premium = "20 MB" }
visibility = "public"

[contract]
accept = ["application/pdf"]
size = "10 MB"
visibility = "private"
scan = "hold"
retention_days = 30
"""


@pytest.fixture
def from_toml(native: Native, tmp_path: Path) -> None:
    file = tmp_path / "kinds.toml"
    file.write_text(TOML)
    native.server.cli("kind", "apply", str(file), "--project", native.keys.name)
    until(lambda: native.call("GET", "/kinds/contract").status_code, lambda status: status == 200)


@pytest.mark.usefixtures("from_toml")
def test_kinds_come_from_a_file(native: Native) -> None:
    assert native.call("GET", "/kinds/contract").json() == {
        "name": "contract",
        "accept": ["application/pdf"],
        "sizes": {"*": 10_000_000},
        "visibility": "private",
        "scan": "hold",
        "retention_s": 30 * 24 * 3600,
        "managed_by_file": True,
    }
    assert {"avatar", "contract"} <= {kind["name"] for kind in native.call("GET", "/kinds").json()["items"]}


@pytest.mark.usefixtures("from_toml")
def test_a_kind_from_a_file_is_changed_there_only(native: Native) -> None:
    refused(native.call("PUT", "/kinds/avatar", json={}), 409, "kind-managed-by-file")
    refused(native.call("DELETE", "/kinds/avatar"), 409, "kind-managed-by-file")


def test_a_kind_by_the_api_is_made_replaced_and_deleted(native: Native) -> None:
    made = native.call("PUT", "/kinds/banner", json={"accept": ["image/*"], "sizes": {"*": 1000}})
    assert (made.status_code, made.json()["managed_by_file"]) == (200, False)
    assert native.call("PUT", "/kinds/banner", json={}).json()["accept"] == ["*/*"]

    assert native.call("DELETE", "/kinds/banner").status_code == 204
    refused(native.call("GET", "/kinds/banner"), 404, "kind-not-found")
    refused(native.call("DELETE", "/kinds/banner"), 404, "kind-not-found")


@pytest.mark.usefixtures("from_toml")
def test_a_kind_that_holds_what_is_not_scanned_holds_it(native: Native) -> None:
    file = native.brought(b"%PDF-1.7\n%%EOF\n", name="a.pdf", type="application/pdf", kind="contract")

    assert (file["state"], file["refusal"]["code"]) == ("held", "could-not-be-scanned")
    assert native.delivered(file["id"]) == {}


def test_retention_ends_a_file(native: Native) -> None:
    native.call("PUT", "/kinds/brief", json={"retention_s": 60})

    file = native.brought(b"some text", kind="brief")

    expires, ready = datetime.fromisoformat(file["expires_at"]), datetime.fromisoformat(file["ready_at"])
    assert expires - ready == timedelta(seconds=60)


# -- records -----------------------------------------------------------------------------------------------------------


def attach(native: Native, record: str, content: bytes, **wanted: Any) -> str:
    native.call("PUT", "/kinds/picture", json={})
    return native.brought(content, kind="picture", record=record, **wanted)["id"]


def versions(native: Native, record: str) -> list[tuple[int, str, bool]]:
    [position] = native.call("GET", f"/records/{record}/picture").json()["positions"]
    return [(one["version"], one["file"]["id"], one["current"]) for one in position["versions"]]


def test_the_newest_ready_file_is_current_and_former_ones_are_kept(native: Native) -> None:
    first, second = attach(native, "user/1", b"first"), attach(native, "user/1", b"second")

    assert versions(native, "user/1") == [(2, second, True), (1, first, False)]
    assert native.file(first)["stored_at"] is not None, "a file with a record is stored at once"
    assert native.deliver(first).content == b"first"


def test_a_former_version_is_restored_as_a_new_one(native: Native) -> None:
    first, second = attach(native, "user/2", b"first"), attach(native, "user/2", b"second")

    answer = native.call("POST", "/records/user/2/picture/restore", json={"version": 1})

    assert answer.json()["positions"][0]["current"]["id"] == first
    assert versions(native, "user/2") == [(3, first, True), (2, second, False), (1, first, False)]
    refused(native.call("POST", "/records/user/2/picture/restore", json={"version": 9}), 404, "version-not-found")


def test_a_gallery_has_positions_and_may_leave_some_out(native: Native) -> None:
    ids = {
        position: attach(native, "campaign/7", b"%d" % position, position=position) for position in (5, 0, 1_000_000)
    }

    shown = native.call("GET", "/records/campaign/7/picture").json()["positions"]

    assert [(one["position"], one["current"]["id"]) for one in shown] == [(n, ids[n]) for n in (0, 5, 1_000_000)]


def test_files_racing_for_a_place_all_become_versions(native: Native) -> None:
    native.call("PUT", "/kinds/picture", json={})
    uploads = [native.sent(b"%d" % n, kind="picture", record="user/race") for n in range(8)]

    at_once([lambda upload=upload: native.confirm(upload) for upload in uploads])

    for upload in uploads:
        assert native.settle(upload)["state"] == "ready"
    found = versions(native, "user/race")
    assert [version for version, _, _ in found] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert {file_id for _, file_id, _ in found} == {upload.id for upload in uploads}
    assert [current for _, _, current in found] == [True] + [False] * 7


def test_a_removed_file_gives_its_place_back(native: Native) -> None:
    first, second = attach(native, "user/3", b"first"), attach(native, "user/3", b"second")

    native.call("DELETE", f"/files/{second}")

    assert versions(native, "user/3")[-1] == (1, first, True)


# -- private -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def private(native: Native) -> str:
    native.call("PUT", "/kinds/private", json={"visibility": "private"})
    return native.brought(PNG, kind="private", name="a.png", type="image/png")["id"]


@pytest.mark.parametrize("path", ["", "a.png", "-/preview/20x20/"])
def test_a_private_file_is_nobodys_without_a_token(native: Native, private: str, path: str) -> None:
    answer = native.deliver(private, path)

    assert (answer.status_code, answer.headers["cache-control"]) == (403, "no-store")
    assert native.file(private)["urls"] is None


def test_a_read_token_buys_a_url(native: Native) -> None:
    native.call("PUT", "/kinds/private", json={"visibility": "private"})
    upload = native.confirmed(PNG, kind="private", name="a.png", type="image/png")
    native.settle(upload)

    answer = native.call("POST", f"/files/{upload.id}/url", token=upload.read, json={"lifetime_s": 60})

    got = httpx.get(answer.json()["url"])
    assert (got.content, got.headers["cache-control"]) == (PNG, "private, max-age=300")
    assert datetime.fromisoformat(answer.json()["expires_at"])


def test_a_signed_url_is_for_one_transformation(native: Native, private: str) -> None:
    body = {"operations": "-/preview/20x20/"}
    url = native.call("POST", f"/files/{private}/url", json=body).json()["url"]

    assert httpx.get(url).status_code == 200
    assert httpx.get(url.replace("20x20", "21x21")).status_code == 403
    assert httpx.get(url.replace("-/preview/20x20/", "")).status_code == 403


def test_a_url_of_a_nonsensical_transformation_is_refused(native: Native, private: str) -> None:
    answer = native.call("POST", f"/files/{private}/url", json={"operations": "-/explode/"})

    refused(answer, 400, "bad-operation")
