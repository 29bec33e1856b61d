"""Files that do not pass their check: the contract's error at once, nothing deliverable afterwards (decision 12)."""

from collections.abc import Iterator

import pytest

from tests import corpus
from tests.acceptance.uploadcare.wire import Wire
from tests.eicar import eicar, eicar_zip, eicar_zip_twice
from tests.servers.longshore import Longshore

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">%b</svg>'


@pytest.fixture
def scanned(scanning_server: Longshore) -> Iterator[Wire]:
    with Wire(scanning_server.url, scanning_server.demo) as wire:
        yield wire


@pytest.mark.parametrize("make", [eicar, eicar_zip, eicar_zip_twice])
def test_an_infected_file_is_refused_in_both_modes(scanned: Wire, make) -> None:
    total = scanned.rest("GET", "/files/").json()["total"]

    plain = scanned.post(("eicar.com", make()))
    as_json = scanned.post(("eicar.com", make()), query="?jsonerrors=1")

    assert plain.status_code == 400
    assert plain.text.startswith("The file is infected by ")
    assert plain.text.endswith(" virus.")
    assert "eicar" in plain.text.lower()
    assert as_json.status_code == 200
    assert as_json.json()["error"] == {
        "content": plain.text,
        "status_code": 400,
        "error_code": "FileInfectedError",
    }
    assert scanned.rest("GET", "/files/").json()["total"] == total


def test_what_came_with_an_infected_file_goes_too(scanned: Wire) -> None:
    before = scanned.rest("GET", "/files/").json()["total"]
    answer = scanned.post(("good.txt", b"good"), ("eicar.com", eicar()), ("fine.txt", b"fine"))

    assert answer.text.startswith("The file is infected by ")
    assert scanned.rest("GET", "/files/").json()["total"] == before
    removed = scanned.rest("GET", "/files/?removed=1&ordering=-datetime_uploaded&limit=2").json()["results"]
    assert {file["original_filename"] for file in removed} == {"good.txt", "fine.txt"}
    for file in removed:
        assert scanned.send("GET", f"/{file['uuid']}/").status_code == 404


def test_info_and_rest_tell_of_a_refused_file(scanned: Wire) -> None:
    chosen = "22222222-2222-4222-8222-222222222222"
    refused = scanned.post(("eicar.com", eicar()), fields=[("UPLOADCARE_FILE_ID", chosen)])

    assert scanned.info(chosen).text == refused.text
    assert scanned.rest("GET", f"/files/{chosen}/").status_code == 404
    assert scanned.rest("PUT", f"/files/{chosen}/storage/").status_code == 404
    assert scanned.rest("DELETE", "/files/storage/", json=[chosen]).json()["problems"] == {
        chosen: "Missing in the project"
    }
    assert scanned.send("GET", f"/{chosen}/").status_code == 404


@pytest.mark.parametrize(
    ("content", "begins"),
    [
        (SVG % b"<script>alert(1)</script>", "SVG contains malicious content: "),
        (SVG % b'<image href="https://example.com/a.png"/>', "SVG contains malicious content: "),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><g></svg>', "SVG validation failed: "),
        (corpus.truncated(corpus.png(64, 64, 1)), "Upload request processing failed. "),
        (corpus.png_claiming(), "Upload request processing failed. "),
    ],
    ids=["script", "reference", "broken-svg", "truncated", "bomb"],
)
def test_bad_pictures_are_refused(wire: Wire, content: bytes, begins: str) -> None:
    answer = wire.post(("picture", content))

    assert answer.status_code == 400
    assert answer.text.startswith(begins), answer.text
    assert len(answer.text) > len(begins) + 5


def test_a_lie_about_the_type_is_recorded_not_refused(wire: Wire) -> None:
    """Decision 11."""
    file_id = wire.post(("a.jpg", corpus.png(8, 8, 1), "image/jpeg")).json()["a.jpg"]
    info = wire.info(file_id, wait_is_ready="1").json()

    assert (info["mime_type"], info["content_info"]["mime"]["mime"]) == ("image/jpeg", "image/png")
