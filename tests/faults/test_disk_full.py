"""No room: 507 with Retry-After in every dialect, nothing half-written, and everything goes on once there is room.

As root on a small tmpfs that is really full; always with a limit on the size of files, as a quota would have it.
"""

import contextlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import corpus
from tests.acceptance.bad_input.upload_api import posted, upload_refusal
from tests.acceptance.driver import Native, no_mistakes, refusal, refused, until
from tests.servers.longshore import Longshore
from tests.servers.process import short_folder

ROOM = 24 << 20
LARGE = bytes(ROOM + 1)
FULL = (507, "storage-full", "There is no room left for this")
KINDS = ["tmpfs", "rlimit"] if os.geteuid() == 0 else ["rlimit"]


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=700", "longshore-test", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="module", params=KINDS)
def _cramped(request: pytest.FixtureRequest) -> Iterator[Native]:
    with short_folder("full") as folder, contextlib.ExitStack() as stack:
        server = Longshore(folder, {"UPLOAD__WAIT_S": "0.3"})
        if request.param == "tmpfs":
            stack.enter_context(small_disk(server.data))
        stack.enter_context(server)
        if request.param == "rlimit":
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))
        yield stack.enter_context(Native(server))


@pytest.fixture
def cramped(_cramped: Native) -> Iterator[Native]:
    """A server with room for 24 MiB."""
    with no_mistakes(_cramped.server):
        yield _cramped


def put(native: Native) -> tuple[int, str, str]:
    upload = native.request(LARGE)
    answer = native.send(upload, LARGE)
    refused(native.confirm(upload), 409, "bytes-missing")
    return refusal(answer)


def put_chunked(native: Native) -> tuple[int, str, str]:
    upload = native.request(max_size=10**9)
    answer = native.send(upload, iter([LARGE[n : n + 65536] for n in range(0, len(LARGE), 65536)]))
    refused(native.confirm(upload), 409, "bytes-missing")
    return refusal(answer)


def post(native: Native) -> tuple[int, str, str]:
    upload = native.request(LARGE, send_by="post")
    answer = native.send(upload, LARGE)
    refused(native.confirm(upload), 409, "bytes-missing")
    return refusal(answer)


@pytest.mark.parametrize("way", [put, put_chunked, post])
def test_a_link_answers_507_and_keeps_nothing(cramped: Native, way: Callable[[Native], tuple[int, str, str]]) -> None:
    before = cramped.lying("")

    assert way(cramped) == FULL

    assert cramped.lying("") == before


@pytest.mark.parametrize("error_mode", ["plain", "json"])
def test_the_upload_api_answers_507_and_keeps_nothing(cramped: Native, error_mode: str) -> None:
    before = cramped.lying("")

    answer = posted(cramped, ("file", "a.bin", None, LARGE), error_mode=error_mode)

    sentence = "Internal error. There is no room left for this"
    assert upload_refusal(answer, error_mode) == (507, "UploadAPIError", sentence)
    assert cramped.lying("") == before


def test_what_fits_is_still_taken(cramped: Native) -> None:
    file = cramped.brought(corpus.png(40, 30, 1), name="a.png", type="image/png")

    assert file["state"] == "ready"
    assert cramped.deliver(file["id"], "-/preview/64x64/").status_code == 200


# -- no room for anything, the database included -----------------------------------------------------------------------


@pytest.fixture
def full(cramped: Native) -> Iterator[Callable[[], None]]:
    """Nothing can be written until it is called, or the test ends."""
    pid, filler = cramped.server.process.pid, cramped.server.data / "filler"
    is_small = os.path.ismount(cramped.server.data)
    if is_small:
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        out.write(bytes(size))
    else:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, ROOM))

    def make_room() -> None:
        filler.unlink(missing_ok=True)
        if not is_small:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))

    yield make_room
    make_room()


def test_a_full_disk_refuses_requests_and_then_takes_them(cramped: Native, full: Callable[[], None]) -> None:
    refused(cramped.ask(b"x"), 507, "storage-full")

    full()
    assert cramped.ask(b"x").status_code == 201


def test_a_confirmation_on_a_full_disk_is_not_lost(cramped: Native, request: pytest.FixtureRequest) -> None:
    upload = cramped.sent(b"some text")
    full = request.getfixturevalue("full")

    refused(cramped.confirm(upload), 507, "storage-full")
    assert cramped.delivered(upload.id) == {}

    full()
    assert cramped.confirm(upload).status_code == 200
    assert cramped.settle(upload)["state"] == "ready"
    assert cramped.deliver(upload.id).content == b"some text"


def test_a_full_disk_delivers_what_is_there(cramped: Native, request: pytest.FixtureRequest) -> None:
    photo = corpus.png(40, 30, 1)
    file_id = cramped.brought(photo, name="a.png", type="image/png")["id"]
    assert cramped.deliver(file_id, "-/preview/32x32/").status_code == 200
    full = request.getfixturevalue("full")

    assert cramped.deliver(file_id).content == photo
    assert cramped.deliver(file_id, "-/preview/32x32/").status_code == 200
    made = cramped.deliver(file_id, "-/preview/33x33/")
    if os.path.ismount(cramped.server.data):
        assert made.status_code == 507
        assert int(made.headers["retry-after"]) >= 1
        assert made.headers["cache-control"] == "no-store"
    else:
        assert made.status_code == 200, "workers have a limit of their own"

    full()
    assert cramped.deliver(file_id, "-/preview/33x33/").status_code == 200


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("error_mode", ["plain", "json"])
def test_a_direct_upload_on_a_full_disk_is_refused(cramped: Native, error_mode: str) -> None:
    before = cramped.lying("")

    answer = posted(cramped, ("file", "a.txt", None, b"some text" * 5000), error_mode=error_mode)

    status, code, message = upload_refusal(answer, error_mode)
    assert (status, code) == (507, "UploadAPIError")
    assert message.startswith("Internal error. ")
    assert cramped.lying("") == before


@pytest.mark.usefixtures("full")
def test_rest_changes_on_a_full_disk_are_refused(cramped: Native) -> None:
    listed = cramped.wire.rest("GET", "/files/").json()["results"]
    assert listed, "reading goes on"

    answer = cramped.wire.rest("DELETE", f"/files/{listed[0]['uuid']}/storage/")

    assert answer.status_code == 507
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json() == {"detail": "There is no room left for the database"}


@pytest.mark.slow  # sometimes: a job whose failure could not be written down waits for its lease to end
def test_the_check_goes_on_when_there_is_room(cramped: Native, request: pytest.FixtureRequest) -> None:
    """Confirmed in the last moment: the file waits in checking, and nobody has it before it was read."""
    uploads = [cramped.sent(b"some text") for _ in range(3)]
    for upload in uploads:
        cramped.confirm(upload)
    full = request.getfixturevalue("full")
    for upload in uploads:
        answered = cramped.deliver(upload.id).status_code
        assert answered == 404 or cramped.file(upload)["state"] == "ready"

    full()

    for upload in uploads:
        assert cramped.settle(upload, within=80)["state"] == "ready"
    until(lambda: cramped.http.get("/readyz").status_code, lambda status: status == 200)
