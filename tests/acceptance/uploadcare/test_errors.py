"""The Upload API's errors in both modes, to the letter (contract 1.3, 1.11)."""

from typing import Any

import pytest

from tests.acceptance.uploadcare.wire import Wire

ERRORS = [
    # what is sent, the status, the code, the message
    ({"key": " "}, 403, "ProjectPublicKeyInvalidError", "UPLOADCARE_PUB_KEY is invalid."),
    ({"key": "nobody"}, 403, "ProjectPublicKeyInvalidError", "UPLOADCARE_PUB_KEY is invalid."),
    ({"files": []}, 400, "FilesRequiredError", "Request does not contain files."),
    (
        {"fields": [("metadata[ ]", "x")]},
        400,
        "FileMetadataKeyForbiddenError",
        "File's metadata key ` ` contains symbols not allowed by the metadata key format.",
    ),
    ({"fields": [("a", "x\0")]}, 400, "NullCharactersForbiddenError", "Null characters are not allowed."),
    ({"files": [("a\0b", b"x")]}, 400, "NullCharactersForbiddenError", "Null characters are not allowed."),
    (
        {"fields": [(f"f{n}", "x") for n in range(10_000)]},
        400,
        "RequestFiledsNumberLimitExceededError",
        "The request contains too many HTTP POST fields.",
    ),
    (
        {"files": [(f"f{n}", b"x") for n in range(101)]},
        400,
        "RequestFileNumberLimitExceededError",
        "The request contains too many files.",
    ),
    (
        {"fields": [("big", "x" * (1 << 20))]},
        413,
        "RequestSizeLimitExceededError",
        "The size of the request is too large.",
    ),
    (
        {"fields": [("UPLOADCARE_FILE_ID", "mine")]},
        400,
        "UploadcareFileIdInvalidError",
        "UPLOADCARE_FILE_ID should be a valid UUID.",
    ),
    ({"fields": [("tags", "a b")]}, 400, "FileTagsInvalidError", None),
]


@pytest.mark.parametrize(
    ("sent", "status", "code", "message"), ERRORS, ids=[f"{e[2]}-{n}" for n, e in enumerate(ERRORS)]
)
def test_errors_have_two_modes(wire: Wire, sent: dict, status: int, code: str, message: str | None) -> None:
    files = sent.get("files", [("a.txt", b"x")])
    how: dict[str, Any] = {"fields": sent.get("fields"), "key": sent.get("key")}

    plain = wire.post(*files, **how)
    by_query = wire.post(*files, **how, query="?jsonerrors=1")
    by_accept = wire.post(*files, **how, headers={"Accept": "application/json"})

    assert plain.status_code == status
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    assert message is None or plain.text == message
    for answer in (by_query, by_accept):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"error": {"content": plain.text, "status_code": status, "error_code": code}}


@pytest.mark.parametrize("accept", ["*/*", "application/json, text/plain, */*", "text/html"])
def test_other_accepts_leave_errors_plain(wire: Wire, accept: str) -> None:
    assert wire.post(headers={"Accept": accept}).status_code == 400


def test_json_errors_may_be_asked_for_in_the_body(wire: Wire) -> None:
    assert wire.post(fields=[("jsonerrors", "1")]).json()["error"]["error_code"] == "FilesRequiredError"


@pytest.mark.parametrize("key", [None, b""])
def test_a_missing_key_is_named(wire: Wire, key: bytes | None) -> None:
    parts = [] if key is None else [("UPLOADCARE_PUB_KEY", None, None, key)]
    answer = wire.post_form([*parts, ("f", "a", None, b"x")])

    assert (answer.status_code, answer.text) == (403, "UPLOADCARE_PUB_KEY is required.")
