"""SIGKILL at any moment: after a restart each file ends ready, or is cleanly absent; nothing unchecked is delivered."""

import contextlib
import signal
import socket
import threading
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests import corpus
from tests.acceptance.driver import Native, refused, sha256, until
from tests.acceptance.sweeper import sweep
from tests.acceptance.uploadcare.wire import form
from tests.eicar import eicar
from tests.faults.conftest import Scanned
from tests.servers.longshore import Longshore

CONTENT = bytes(range(256)) * 16_384


def family(pid: int) -> list[int]:
    """The processes of the server's session, itself included, that are still alive."""
    alive: list[int] = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if entry.name.isdigit():
                state, *rest = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(rest[2]) == pid and state != "Z":
                    alive.append(int(entry.name))
    return alive


def kill(server: Longshore) -> None:
    """The server process alone, as the kernel does when memory is short; its workers have to notice."""
    pid = server.process.pid
    server.process.signal(signal.SIGKILL)
    until(lambda: server.process.is_running, lambda running: not running)
    until(lambda: family(pid), lambda alive: alive == [])


def restart(server: Longshore) -> None:
    kill(server)
    server.process.start()


def begin(native: Native, request: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", native.server.port))
    connection.sendall(request)
    return connection


def test_in_the_middle_of_a_put(own: Native) -> None:
    upload = own.request(CONTENT)
    parts = urlsplit(upload.url)
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
    request = f"{head}Content-Length: {len(CONTENT)}\r\n\r\n".encode() + CONTENT
    with begin(own, request[: len(request) // 2]):
        restart(own.server)

    assert own.lying(upload.id) == []
    refused(own.confirm(upload), 409, "bytes-missing")
    assert own.send(upload, CONTENT).status_code == 200
    own.confirm(upload)
    assert own.settle(upload)["digests"]["sha256"] == sha256(CONTENT)


def test_in_the_middle_of_a_direct_upload(own: Native) -> None:
    before, total = own.lying(""), own.wire.rest("GET", "/files/").json()["total"]
    body = form(
        [
            ("UPLOADCARE_PUB_KEY", None, None, own.keys.public_key.encode()),
            ("first", "first.bin", None, CONTENT),
            ("second", "second.bin", None, CONTENT),
        ]
    )
    head = "POST /base/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=frontier\r\n"
    with begin(own, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) * 3 // 4]):
        until(lambda: own.lying(""), lambda lying: len(lying) > len(before))  # the first one has arrived whole
        restart(own.server)

    assert own.wire.rest("GET", "/files/").json()["total"] == total
    assert [path for path in own.lying("") if path not in before and not path.startswith("incoming/")] == []
    sweep(own.server, later=timedelta(hours=49), orphans=True)
    assert [path for path in own.lying("") if path.startswith("incoming/")] == []


def test_after_the_answer_to_a_put_its_bytes_are_there(own: Native) -> None:
    upload = own.sent(CONTENT)

    restart(own.server)

    assert own.confirm(upload).status_code == 200
    assert own.settle(upload)["digests"]["sha256"] == sha256(CONTENT)


def test_after_the_answer_to_a_confirmation_the_file_becomes_ready(own: Native) -> None:
    upload = own.confirmed(CONTENT)

    restart(own.server)

    assert own.settle(upload)["digests"]["sha256"] == sha256(CONTENT)
    assert own.deliver(upload.id).content == CONTENT


@pytest.mark.parametrize("delay_ms", [0, 1, 3, 6, 10, 20, 50])
def test_in_the_middle_of_confirmations(own: Native, delay_ms: int) -> None:
    """Some were heard, some done, some not begun: confirming again ends all of them."""
    uploads = [own.sent(b"%d" % n * 1000) for n in range(12)]

    def confirm(upload_id: str) -> None:
        with contextlib.suppress(httpx.TransportError):
            own.confirm(upload_id)

    threads = [threading.Thread(target=confirm, args=(upload.id,)) for upload in uploads]
    for thread in threads:
        thread.start()
    time.sleep(delay_ms / 1000)
    restart(own.server)
    for thread in threads:
        thread.join()

    for number, upload in enumerate(uploads):
        assert own.confirm(upload).status_code == 200
        assert own.settle(upload)["digests"]["sha256"] == sha256(b"%d" % number * 1000)
        assert [path.partition("/")[0] for path in own.lying(upload.id)] == ["files"]


@pytest.mark.parametrize("delay_ms", [0, 5, 30, 100])
def test_in_the_middle_of_checks_and_previews(own: Native, delay_ms: int) -> None:
    photo = corpus.photo_jpeg(2000, 1500, 1)
    uploads = [own.sent(photo, name="a.jpg", type="image/jpeg") for _ in range(4)]
    for upload in uploads:
        own.confirm(upload)
    time.sleep(delay_ms / 1000)

    restart(own.server)

    for upload in uploads:
        assert own.settle(upload)["image"]["width"] == 2000
        preview = own.deliver(upload.id, "-/preview/320x320/-/format/webp/")
        assert (preview.status_code, preview.headers["content-type"]) == (200, "image/webp")


@pytest.mark.parametrize(("content", "state"), [(b"a harmless text", "ready"), (eicar(), "quarantined")])
def test_in_the_middle_of_a_scan(scanned: Scanned, content: bytes, state: str) -> None:
    native = scanned.native
    scanned.clamd.pause()
    upload = native.confirmed(content)
    assert native.delivered(upload.id) == {}

    restart(scanned.server)

    assert native.delivered(upload.id) == {}
    assert native.file(upload)["state"] == "checking"
    scanned.clamd.resume()
    assert native.settle(upload, within=30)["state"] == state
    if state == "quarantined":
        assert native.delivered(upload.id) == {}
        assert [path.partition("/")[0] for path in native.lying(upload.id)] == ["quarantine"]


def test_between_the_move_to_quarantine_and_the_word_of_it(scanned: Scanned) -> None:
    """The bytes are in quarantine already, the row does not know: the next run finds them there."""
    native = scanned.native
    scanned.clamd.pause()
    upload = native.confirmed(eicar())
    kill(scanned.server)
    [lying] = native.lying(upload.id)
    old = scanned.server.data / "objects" / lying
    new = scanned.server.data / "objects" / lying.replace("files/", "quarantine/", 1)
    new.parent.mkdir(parents=True, exist_ok=True)
    old.rename(new)

    scanned.server.process.start()
    scanned.clamd.resume()

    file = native.settle(upload, within=30)
    assert (file["state"], file["refusal"]["code"]) == ("quarantined", "infected")
    assert native.delivered(upload.id) == {}
    assert [path.partition("/")[0] for path in native.lying(upload.id)] == ["quarantine"]


def test_bytes_that_were_lost_are_told_of(scanned: Scanned) -> None:
    """Somebody deleted the file from the disk before it was read."""
    native = scanned.native
    scanned.clamd.pause()
    upload = native.confirmed(b"a harmless text")
    kill(scanned.server)
    [lying] = native.lying(upload.id)
    (scanned.server.data / "objects" / lying).unlink()

    scanned.server.process.start()
    scanned.clamd.resume()

    file = native.settle(upload, within=30)
    assert (file["state"], file["refusal"]["code"]) == ("rejected", "bytes-lost")
    assert native.delivered(upload.id) == {}


def test_bytes_that_were_changed_on_the_disk_are_not_published(scanned: Scanned) -> None:
    native = scanned.native
    scanned.clamd.pause()
    upload = native.confirmed(b"a harmless text")
    kill(scanned.server)
    [lying] = native.lying(upload.id)
    (scanned.server.data / "objects" / lying).write_bytes(b"shorter")

    scanned.server.process.start()
    scanned.clamd.resume()

    file = native.settle(upload, within=30)
    assert (file["state"], file["refusal"]["code"]) == ("rejected", "size-changed")
    assert native.delivered(upload.id) == {}
