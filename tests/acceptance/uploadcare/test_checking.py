"""Files that are still being checked: what their owner may do meanwhile, and that none gets past the check.

The scanner is one that answers when it is told to.
"""

import socketserver
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.uploadcare.wire import Wire, eventually
from tests.servers.longshore import Longshore, running_longshore
from tests.servers.process import free_port


class SlowScanner(socketserver.ThreadingTCPServer):
    """Speaks clamd's INSTREAM; each stream is answered once `released` is set."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.released = threading.Event()
        self.verdict = b"OK"
        self.streams = 0
        super().__init__(("127.0.0.1", free_port()), _Stream)


class _Stream(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        scanner = self.server
        assert isinstance(scanner, SlowScanner)
        command = b""
        while not command.endswith(b"\0"):
            command += self.rfile.read(1)
        while size := int.from_bytes(self.rfile.read(4), "big"):
            self.rfile.read(size)
        scanner.streams += 1
        scanner.released.wait(60)
        self.wfile.write(b"stream: " + scanner.verdict + b"\0")


@pytest.fixture(scope="module")
def slow() -> Iterator[SlowScanner]:
    with SlowScanner() as scanner:
        serving = threading.Thread(target=scanner.serve_forever)
        serving.start()
        yield scanner
        scanner.released.set()
        scanner.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def slowly(slow: SlowScanner) -> Iterator[Longshore]:
    settings = {
        "SCANNER__TYPE": "clamd",
        "SCANNER__ADDRESS": f"127.0.0.1:{slow.server_address[1]}",
        "UPLOAD__WAIT_S": "0.3",
    }
    with running_longshore(settings) as server:
        yield server


@pytest.fixture
def waiting(slow: SlowScanner, slowly: Longshore) -> Iterator[Wire]:
    slow.released.clear()
    slow.verdict = b"OK"
    with Wire(slowly.url, slowly.demo) as wire:
        yield wire
    slow.released.set()


def rest(wire: Wire, file_id: str) -> dict[str, Any]:
    return wire.rest("GET", f"/files/{file_id}/").json()


def settled(wire: Wire, file_id: str) -> dict[str, Any]:
    assert eventually(lambda: rest(wire, file_id).get("is_ready", True), within=20), "the check does not end"
    return rest(wire, file_id)


def held(wire: Wire, slow: SlowScanner, name: str = "a.txt", store: str = "0") -> str:
    """A file whose bytes the scanner has and does not answer for."""
    before = slow.streams
    file_id = wire.uploaded(name, b"text", ("UPLOADCARE_STORE", store))
    assert eventually(lambda: slow.streams > before, within=10)
    return file_id


def test_an_upload_does_not_wait_for_ever(waiting: Wire, slow: SlowScanner) -> None:
    file_id = held(waiting, slow)

    info = waiting.info(file_id).json()
    assert (info["is_ready"], info["is_image"], info["content_info"]) == (False, False, None)
    file = rest(waiting, file_id)
    assert (file["is_ready"], file["is_image"], file["original_file_url"]) == (False, None, None)
    assert waiting.send("GET", f"/{file_id}/").status_code == 404

    slow.released.set()
    assert settled(waiting, file_id)["original_file_url"]


def test_a_file_stored_while_it_is_checked_becomes_ready_and_stays_stored(waiting: Wire, slow: SlowScanner) -> None:
    file_id = held(waiting, slow)

    stored = waiting.rest("PUT", f"/files/{file_id}/storage/").json()
    assert (stored["is_ready"], bool(stored["datetime_stored"])) == (False, True)
    slow.released.set()

    assert settled(waiting, file_id)["datetime_stored"] == stored["datetime_stored"]
    assert waiting.send("GET", f"/{file_id}/").content == b"text"


def test_a_file_removed_while_it_is_checked_stays_removed(waiting: Wire, slow: SlowScanner) -> None:
    file_id = held(waiting, slow)

    assert waiting.rest("DELETE", f"/files/{file_id}/storage/").json()["datetime_removed"]
    slow.released.set()
    time.sleep(0.5)

    assert rest(waiting, file_id)["datetime_removed"]
    assert waiting.send("GET", f"/{file_id}/").status_code == 404


def test_removing_and_reviving_does_not_go_round_the_check(waiting: Wire, slow: SlowScanner) -> None:
    file_id = held(waiting, slow)

    waiting.rest("DELETE", f"/files/{file_id}/storage/")
    revived = waiting.rest("PUT", f"/files/{file_id}/storage/").json()
    assert (revived["is_ready"], revived["original_file_url"], revived["datetime_removed"]) == (False, None, None)
    assert waiting.send("GET", f"/{file_id}/").status_code == 404

    slow.verdict = b"Eicar-Test-Signature FOUND"
    slow.released.set()
    told = "The file is infected by Eicar-Test-Signature virus."
    assert eventually(lambda: waiting.info(file_id).text == told, within=20)
    assert waiting.send("GET", f"/{file_id}/").status_code == 404
    assert waiting.rest("PUT", f"/files/{file_id}/storage/").status_code == 404
