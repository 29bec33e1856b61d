"""Sizes are claims, and numbers are what outsiders write: no lie is stored, no digit but 0-9 counts."""

from collections.abc import Callable, Iterator

import pytest

from longshore.core.sizes import MAX_SIZE
from tests import corpus
from tests.acceptance.bad_input.upload_api import posted, rest_refusal, upload_refusal
from tests.acceptance.driver import Native, refused, sha256
from tests.acceptance.uploadcare.wire import raw

ARABIC = "١٢٣"
EMPTY = sha256(b"")


def chunks(content: bytes) -> Iterator[bytes]:
    """A body whose size is not announced."""
    yield content


# -- empty -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("send_by", ["put", "post"])
def test_an_empty_file_is_a_file(native: Native, send_by: str) -> None:
    file = native.brought(b"", name="empty.jpg", type="image/jpeg", send_by=send_by)

    assert (file["state"], file["size"], file["digests"]["sha256"]) == ("ready", 0, EMPTY)
    assert native.deliver(file["id"]).content == b""
    assert native.deliver(file["id"]).status_code == 200


def test_an_empty_file_is_not_what_a_kind_wants(native: Native) -> None:
    native.call("PUT", "/kinds/pictures", json={"accept": ["image/jpeg"]})

    file = native.brought(b"", name="empty.jpg", type="image/jpeg", kind="pictures")

    assert (file["state"], file["refusal"]["code"]) == ("rejected", "type-not-accepted")
    assert native.delivered(file["id"]) == {}


def test_an_empty_file_comes_through_the_upload_api(native: Native) -> None:
    answer = posted(native, ("file", "empty.txt", "text/plain", b""))

    assert native.wire.info(answer.json()["file"]).json()["size"] == 0


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_file_has_no_range(native: Native, asked: str) -> None:
    file = native.brought(b"", name="empty.txt")

    answer = native.deliver(file["id"], headers={"Range": asked})

    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */0")


# -- lies --------------------------------------------------------------------------------------------------------------

TOO_MANY = (413, "body-too-large", "The link allows at most 10 bytes")
TOO_FEW = (400, "body-too-short", "The link demands at least 10 bytes")


@pytest.mark.parametrize("wrap", [bytes, chunks], ids=["announced", "chunked"])
@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        pytest.param(b"x" * 11, TOO_MANY, id="one more"),
        pytest.param(b"x" * 3_000_000, TOO_MANY, id="many more"),
        pytest.param(b"x" * 9, TOO_FEW, id="one less"),
        pytest.param(b"", TOO_FEW, id="nothing"),
    ],
)
def test_a_put_of_another_size_than_announced_is_refused(
    native: Native, content: bytes, refusal: tuple[int, str, str], wrap: Callable[[bytes], bytes]
) -> None:
    upload = native.request(size=10)

    refused(native.send(upload, wrap(content)), *refusal)

    assert native.lying(upload.id) == []
    refused(native.confirm(upload), 409, "bytes-missing")
    assert native.send(upload, b"x" * 10).status_code == 200, "the link may still be used"


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        pytest.param(b"x" * 11, TOO_MANY, id="one more"),
        pytest.param(b"x" * 3_000_000, TOO_MANY, id="many more"),
        pytest.param(b"x" * 9, TOO_FEW, id="one less"),
        pytest.param(b"", TOO_FEW, id="nothing"),
    ],
)
def test_a_form_of_another_size_than_announced_is_refused(
    native: Native, content: bytes, refusal: tuple[int, str, str]
) -> None:
    upload = native.request(size=10, send_by="post")

    refused(native.send(upload, content), *refusal)

    assert native.lying(upload.id) == []
    refused(native.confirm(upload), 409, "bytes-missing")


def test_a_size_that_was_only_bounded_is_bounded(native: Native) -> None:
    upload = native.request(max_size=10)

    refused(native.send(upload, b"x" * 11), *TOO_MANY)

    assert native.send(upload, b"x" * 7).status_code == 200
    assert native.confirm(upload).json()["file"]["size"] == 7


def test_more_bytes_than_content_length_says_are_not_the_files(native: Native) -> None:
    """What follows the announced ten bytes is another request, and a wrong one: it ends the connection."""
    upload = native.request(size=10)
    path = upload.url.removeprefix(native.url)
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 10\r\n\r\n"

    raw(native.server.port, head.encode() + b"x" * 10 + b"more bytes\r\n\r\n")

    native.send(upload, b"x" * 10)  # if the first ten were lost with the connection
    assert native.confirm(upload).json()["file"]["size"] == 10


@pytest.mark.parametrize("length", ["١٠", "+10", "-1", "0x0a", "1e1", "10, 11", "9223372036854775808", "9" * 40])
def test_a_content_length_that_is_no_number_is_refused(native: Native, length: str) -> None:
    upload = native.request(size=10)
    path = upload.url.removeprefix(native.url)
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    )

    answer = raw(native.server.port, head.encode() + b"x" * 10)

    status = int(answer.split(b" ", 2)[1])
    assert status in (400, 413), answer
    assert native.lying(upload.id) == []


def test_two_content_lengths_are_refused(native: Native) -> None:
    upload = native.request(size=10)
    path = upload.url.removeprefix(native.url)
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nContent-Length: 5\r\n\r\n"

    assert raw(native.server.port, head.encode() + b"x" * 10).startswith(b"HTTP/1.1 400")
    assert native.lying(upload.id) == []


# -- over a limit ------------------------------------------------------------------------------------------------------


def test_a_file_over_the_kinds_limit_is_refused_before_it_is_sent(native: Native) -> None:
    native.call("PUT", "/kinds/small", json={"sizes": {"*": 10, "premium": 20}})

    sentence = "The file may have at most 10 bytes"
    refused(native.ask(size=11, kind="small"), 413, "size-over-limit", sentence)
    assert native.ask(size=11, kind="small", group="premium").status_code == 201


def test_a_kind_bounds_what_announces_nothing(native: Native) -> None:
    native.call("PUT", "/kinds/small", json={"sizes": {"*": 10, "premium": 20}})
    upload = native.request(kind="small", max_size=10**12)

    refused(native.send(upload, b"x" * 11), *TOO_MANY)


def test_a_group_that_a_kind_leaves_out_is_refused(native: Native) -> None:
    native.call("PUT", "/kinds/premium-only", json={"sizes": {"premium": 20}})

    sentence = "The kind premium-only is not open to the group (none)"
    refused(native.ask(size=1, kind="premium-only"), 403, "group-not-allowed", sentence)


def test_the_upload_api_keeps_the_projects_limit(foreign: Native, error_mode: str) -> None:
    foreign.server.cli("project", "set", "foreign", "--max-size", "1 MB")
    before = foreign.lying("")

    answer = posted(foreign, ("file", "large.bin", None, bytes(1_000_001)), error_mode=error_mode)

    assert upload_refusal(answer, error_mode) == (400, "FileSizeLimitExceededError", "File is too large.")
    assert foreign.lying("") == before


# -- numbers -----------------------------------------------------------------------------------------------------------

NUMBERS = [
    "-1",
    str(2**63),
    str(MAX_SIZE + 1),
    "1" * 400,
    "1e400",
    "1.5",
    "1e3",
    '"1"',
    f'"{ARABIC}"',
    "true",
    "[]",
    "{}",
]
NOT_JSON = ["NaN", "Infinity", ARABIC, "0x10", "010", "+1", "1_000"]


@pytest.mark.parametrize("field", ["size", "max_size", "position"])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_out_of_bounds_is_refused(native: Native, field: str, number: str) -> None:
    body = f'{{"name": "a", "type": "text/plain", "{field}": {number}}}'

    problem = refused(native.call("POST", "/uploads", content=body.encode()), 400, "body-invalid")

    assert problem["detail"].startswith("The body is not what this operation takes: ")
    assert problem["detail"].endswith(f"at `$.{field}`")


@pytest.mark.parametrize("number", NOT_JSON)
def test_a_number_that_json_does_not_have_is_refused(native: Native, number: str) -> None:
    body = f'{{"name": "a", "type": "text/plain", "size": {number}}}'

    problem = refused(native.call("POST", "/uploads", content=body.encode()), 400, "body-invalid")

    assert problem["detail"].startswith("The body is not JSON: ")


@pytest.mark.parametrize(
    "number", ["0", "1001", "-1", ARABIC, "²", "1.0", "", str(2**63), "9" * 400, " 1", "1_0", "%00"]
)
def test_a_limit_that_is_no_number_is_refused(native: Native, number: str) -> None:
    for path in ("/audit", "/webhooks/1/deliveries"):
        answer = native.call("GET", f"{path}?limit={number}")
        refused(answer, 400, "query-invalid", "`limit` is a whole number from 1 to 1000")


@pytest.mark.parametrize("number", ["0", ARABIC, str(2**63), str(2**63 - 1), "1.0", "-1", "9" * 400])
def test_a_webhook_of_an_odd_number_is_not_there(native: Native, number: str) -> None:
    refused(native.call("GET", f"/webhooks/{number}/deliveries"), 404, "webhook-not-found")
    assert rest_refusal(native.wire.rest("DELETE", f"/webhooks/{number}/")) == (404, "Not found.")


@pytest.mark.parametrize("parameter", ["limit", "offset"])
@pytest.mark.parametrize("number", ["-1", ARABIC, "1.0", str(2**63), "x", "%00"])
def test_a_list_of_odd_numbers_is_refused(native: Native, parameter: str, number: str) -> None:
    status, detail = rest_refusal(native.wire.rest("GET", f"/files/?{parameter}={number}"))

    least = 1 if parameter == "limit" else 0
    assert (status, detail) == (400, f"`{parameter}` should be a whole number, {least} or more.")


@pytest.mark.parametrize("moment", [ARABIC, "2026-13-01", "٢٠٢٦-٠١-٠١", "9" * 40, "0001-01-01T00:00:00+23:59", "x"])
def test_a_list_from_no_moment_is_refused(native: Native, moment: str) -> None:
    answer = native.wire.rest("GET", "/files/", params={"from": moment})

    assert rest_refusal(answer) == (400, "`from` should be a date and time in ISO 8601.")


@pytest.mark.parametrize(
    "operations",
    [
        f"-/preview/{ARABIC}x{ARABIC}/",
        "-/preview/-1x10/",
        "-/preview/0x0/",
        f"-/preview/{2**63}x{2**63}/",
        f"-/resize/{2**63}x/",
        f"-/resize/{'9' * 400}x/",
        "-/resize/1e3x/",
        "-/resize/5001x/",
        "-/resize/²x/",
    ],
)
def test_a_picture_of_odd_dimensions_is_refused(native: Native, operations: str) -> None:
    file = native.brought(corpus.png(40, 30, 1), name="a.png", type="image/png")

    answer = native.deliver(file["id"], operations)

    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "script" not in answer.text


@pytest.mark.parametrize(
    "asked", [f"bytes={ARABIC}-", f"bytes=0-{2**63}", f"bytes=-{2**70}", f"bytes={'9' * 400}-", "bytes=²-"]
)
def test_an_odd_range_is_no_mistake_of_ours(native: Native, asked: str) -> None:
    """What is not a range is ignored (RFC 9110, 14.2); one past the end cannot be satisfied."""
    file = native.brought(b"0123456789")

    answer = native.deliver(file["id"], headers={"Range": asked.encode()})

    assert answer.status_code in (200, 206, 416)
    if answer.status_code != 416:
        assert answer.content == b"0123456789"


@pytest.mark.parametrize("lifetime", ["0", "-1", str(2**63), "604801", "1.5", "true", f'"{ARABIC}"'])
def test_a_signed_url_of_an_odd_lifetime_is_refused(native: Native, lifetime: str) -> None:
    file = native.brought(b"some text")

    answer = native.call("POST", f"/files/{file['id']}/url", content=f'{{"lifetime_s": {lifetime}}}'.encode())

    refused(answer, 400, "body-invalid")
