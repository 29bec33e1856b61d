"""Calls of the Uploadcare APIs that go wrong, and their errors in both shapes (contract 1.3)."""

import httpx

from tests.acceptance.driver import Native
from tests.acceptance.uploadcare.wire import FormPart


def posted(
    native: Native, *files: FormPart, error_mode: str = "plain", fields: dict[str, str] | None = None
) -> httpx.Response:
    """A direct upload of `files`: field, file name, content type, bytes."""
    named = {"UPLOADCARE_PUB_KEY": native.keys.public_key, **(fields or {})}
    parts = [*((name, None, None, value.encode()) for name, value in named.items()), *files]
    return native.wire.post_form(parts, query="?jsonerrors=1" if error_mode == "json" else "")


def upload_refusal(answer: httpx.Response, error_mode: str) -> tuple[int, str, str]:
    """Status, `error_code` and message; in plain mode the code does not travel, and is looked up by the message."""
    assert answer.headers["access-control-allow-origin"] == "*"
    if error_mode == "json":
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        error = answer.json()["error"]
        found = error["status_code"], error["error_code"], error["content"]
    else:
        assert answer.headers["content-type"].startswith("text/plain")
        found = answer.status_code, _code(answer.text), answer.text
    if found[0] in (429, 503, 507):
        assert int(answer.headers["retry-after"]) >= 1
    return found


def rest_refusal(answer: httpx.Response) -> tuple[int, object]:
    """Status and `detail` of a REST error."""
    assert answer.headers["content-type"] == "application/vnd.uploadcare-v0.7+json"
    return answer.status_code, answer.json()["detail"]


def _code(message: str) -> str:
    return next((code for beginning, code in _CODES if message.startswith(beginning)), f"no code for {message!r}")


_CODES = (
    ("Null characters are not allowed.", "NullCharactersForbiddenError"),
    ("HTTP POST request parsing failed.", "PostRequestParserFailedError"),
    ("Request does not contain files.", "FilesRequiredError"),
    ("The size of the request is too large.", "RequestSizeLimitExceededError"),
    ("File is too large.", "FileSizeLimitExceededError"),
    ("Uploading of these file types is not allowed.", "FileTypeForbiddenError"),
    ("The file is infected by ", "FileInfectedError"),
    ("SVG contains malicious content: ", "SVGMaliciousContentError"),
    ("SVG validation failed: ", "SVGValidationFailedError"),
    ("UPLOADCARE_PUB_KEY is invalid.", "ProjectPublicKeyInvalidError"),
    ("`signature` is required.", "SignatureRequiredError"),
    ("`expire` must be a UNIX timestamp.", "SignatureExpirationInvalidError"),
    ("Expired signature.", "SignatureExpirationError"),
    ("Invalid signature.", "SignatureInvalidError"),
    ("Internal error.", "UploadAPIError"),
    ("Upload request processing failed.", "UploadViewsError"),
)
"""Contract 1.11: how each message begins."""
