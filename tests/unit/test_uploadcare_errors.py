"""What a problem or a refusal is called in the Upload API (contract 1.11)."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from longshore.core.errors import Busy, Forbidden, Invalid, Problem, StorageFull, Throttled
from longshore.core.file import File, FileNotFound, FileState, Refusal
from longshore.core.ids import FileId, ProjectId, RandomIds
from longshore.core.kind import SizeOverLimit, TypeNotAccepted, Visibility
from longshore.core.upload import Purpose, UploadTaken
from longshore.http.multipart import FormInvalid
from longshore.http.uploadcare.errors import Code, UploadError, error_of, error_response, refusal_of
from longshore.ports.secrets import SecretUnreadable
from longshore.ports.storage import BodyIncomplete


@pytest.mark.parametrize(
    ("problem", "status", "message"),
    [
        (SizeOverLimit(), 400, "File is too large."),
        (TypeNotAccepted(), 400, "Uploading of these file types is not allowed."),
        (UploadTaken(), 400, "UPLOADCARE_FILE_ID is duplicated. You are probably a lottery winner."),
        (FormInvalid(), 400, "HTTP POST request parsing failed."),
        (BodyIncomplete(), 400, "HTTP POST request parsing failed."),
        (FileNotFound(), 404, "File is not found."),
        (Throttled(), 429, "Request was throttled."),
        (Busy(), 503, "Internal error. Busy, try again shortly"),
        (StorageFull(), 507, "Internal error. There is no room left for this"),
        (Invalid("No."), 400, "Upload request processing failed. No."),
        (Forbidden("No."), 403, "Upload request processing failed. No."),
        (SecretUnreadable(), 500, "Internal error."),
    ],
)
def test_a_problem_has_a_name_here(problem: Problem, status: int, message: str) -> None:
    error = error_of(problem)

    assert (error.status, error.message) == (status, message)
    if status in (429, 503, 507):
        assert error.retry_after


@pytest.mark.parametrize(
    ("state", "refusal", "message"),
    [
        (
            FileState.QUARANTINED,
            Refusal(code="infected", sentence="x", quoted="Eicar-Test-Signature"),
            "The file is infected by Eicar-Test-Signature virus.",
        ),
        (
            FileState.QUARANTINED,
            Refusal(code="infected", sentence="x"),
            "The file is infected by an unnamed virus.",
        ),
        (
            FileState.REJECTED,
            Refusal(code="type-mismatch", sentence="x"),
            "Uploading of these file types is not allowed.",
        ),
        (
            FileState.REJECTED,
            Refusal(code="unsafe-svg", sentence="A script", quoted="script"),
            "SVG contains malicious content: script.",
        ),
        (FileState.REJECTED, Refusal(code="broken-svg", sentence="x", quoted="y"), "SVG validation failed: y."),
        (
            FileState.REJECTED,
            Refusal(code="broken-media", sentence="The image is cut short"),
            "Upload request processing failed. The image is cut short",
        ),
        (FileState.HELD, Refusal(code="could-not-be-scanned", sentence="x"), "Upload request processing failed. x"),
        (FileState.HELD, None, "Upload request processing failed."),
    ],
)
def test_a_refusal_has_a_name_here(state: FileState, refusal: Refusal | None, message: str) -> None:
    file = File(
        id=FileId(RandomIds().uuid4()),
        project_id=ProjectId(1),
        state=state,
        name="a",
        declared_type="image/png",
        size=1,
        seal="s",
        purpose=Purpose(),
        visibility=Visibility.PUBLIC,
        read_token_hash="",
        uploaded_at=datetime(2026, 1, 1, tzinfo=UTC),
        refusal=refusal,
    )

    assert (refusal_of(file).status, refusal_of(file).message) == (400, message)


def test_plain_errors_are_the_message_with_the_real_status() -> None:
    answer = error_response(UploadError(Code.FILE_NOT_FOUND), as_json=False)

    assert (answer.status_code, answer.body) == (404, b"File is not found.")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_json_errors_are_always_200() -> None:
    answer = error_response(UploadError(Code.THROTTLED, retry_after=timedelta(seconds=2.5)), as_json=True)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["retry-after"] == "3"
    assert list(msgspec.json.decode(answer.body)["error"].items()) == [
        ("content", "Request was throttled."),
        ("status_code", 429),
        ("error_code", "RequestThrottledError"),
    ]


def test_every_code_has_a_message() -> None:
    for code in Code:
        assert UploadError(code, *([1] * 3)[: _holes(code)]).message


def _holes(code: Code) -> int:
    for count in range(4):
        try:
            UploadError(code, *[1] * count)
        except TypeError:
            continue
        return count
    raise AssertionError(code)
