"""What can go wrong in the Upload API, in the words of contract 1.11, and the two shapes in which it is said (1.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import msgspec
from starlette.responses import Response

from longshore.core.errors import (
    Busy,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    StorageFull,
    Throttled,
    TooLarge,
)
from longshore.core.file import File, FileState, Refusal
from longshore.core.kind import SizeOverLimit, TypeNotAccepted
from longshore.core.principal import TokenSpent
from longshore.core.upload import UploadTaken
from longshore.http.multipart import FormInvalid
from longshore.ports.storage import BodyIncomplete


class Code(StrEnum):
    """`error_code` on the wire; one is misspelt there, and so here."""

    VIEW = "BaseViewsError"
    UPLOAD_VIEW = "UploadViewsError"
    INTERNAL = "UploadAPIError"
    PATH_UNKNOWN = "PathNotFoundError"
    METHOD_NOT_ALLOWED = "MethodNotAllowedError"
    KEY_REQUIRED = "ProjectPublicKeyRequiredError"
    KEY_INVALID = "ProjectPublicKeyInvalidError"
    SIGNATURE_REQUIRED = "SignatureRequiredError"
    EXPIRE_REQUIRED = "SignatureExpirationRequiredError"
    EXPIRE_INVALID = "SignatureExpirationInvalidError"
    SIGNATURE_EXPIRED = "SignatureExpirationError"
    SIGNATURE_INVALID = "SignatureInvalidError"
    BEARER_EXPIRED = "AccessTokenExpiredError"
    BEARER_INVALID = "AccessTokenInvalidError"
    BEARER_SCOPE = "AccessTokenScopeError"
    BEARER_SPENT = "AccessTokenLimitExceededError"
    METADATA_KEY_DUPLICATED = "FileMetadataKeyDuplicatedError"
    METADATA_KEY_EMPTY = "FileMetadataKeyEmptyError"
    METADATA_KEY_FORBIDDEN = "FileMetadataKeyForbiddenError"
    METADATA_KEY_TOO_LONG = "FileMetadataKeyLengthTooBigError"
    METADATA_TOO_MANY = "FileMetadataKeysNumberTooBigError"
    METADATA_VALUE_EMPTY = "FileMetadataValueEmptyError"
    METADATA_VALUE_TOO_LONG = "FileMetadataValueLengthTooBigError"
    TAGS_INVALID = "FileTagsInvalidError"
    NULL_CHARACTERS = "NullCharactersForbiddenError"
    FORM_INVALID = "PostRequestParserFailedError"
    TOO_MANY_FIELDS = "RequestFiledsNumberLimitExceededError"
    TOO_MANY_FILES = "RequestFileNumberLimitExceededError"
    REQUEST_TOO_LARGE = "RequestSizeLimitExceededError"
    THROTTLED = "RequestThrottledError"
    FILES_REQUIRED = "FilesRequiredError"
    FILE_TOO_LARGE = "FileSizeLimitExceededError"
    FILE_TYPE_FORBIDDEN = "FileTypeForbiddenError"
    FILE_INFECTED = "FileInfectedError"
    SVG_INVALID = "SVGValidationFailedError"
    SVG_MALICIOUS = "SVGMaliciousContentError"
    CHOSEN_ID_INVALID = "UploadcareFileIdInvalidError"
    CHOSEN_ID_TAKEN = "UploadcareFileIdDuplicatedError"
    FILE_ID_REQUIRED = "FileIdRequiredError"
    FILE_ID_INVALID = "FileIdInvalidError"
    FILE_NOT_FOUND = "FileNotFoundError"


_TABLE: Mapping[Code, tuple[int, str]] = {
    Code.VIEW: (400, "Request processing failed."),
    Code.UPLOAD_VIEW: (400, "Upload request processing failed."),
    Code.INTERNAL: (500, "Internal error."),
    Code.PATH_UNKNOWN: (404, "Not found."),
    Code.METHOD_NOT_ALLOWED: (405, "HTTP method %s is not allowed for %s"),
    Code.KEY_REQUIRED: (403, "%s is required."),
    Code.KEY_INVALID: (403, "%s is invalid."),
    Code.SIGNATURE_REQUIRED: (400, "`signature` is required."),
    Code.EXPIRE_REQUIRED: (400, "`expire` is required."),
    Code.EXPIRE_INVALID: (400, "`expire` must be a UNIX timestamp."),
    Code.SIGNATURE_EXPIRED: (403, "Expired signature."),
    Code.SIGNATURE_INVALID: (403, "Invalid signature."),
    Code.BEARER_EXPIRED: (401, "Expired token."),
    Code.BEARER_INVALID: (401, "Invalid token. Reason: %s"),
    Code.BEARER_SCOPE: (403, "The token does not allow %s."),
    Code.BEARER_SPENT: (403, "The token has been used for as many files as it allows."),
    Code.METADATA_KEY_DUPLICATED: (400, "File's metadata key `%s` has a duplicate."),
    Code.METADATA_KEY_EMPTY: (400, "File's metadata key can not be empty."),
    Code.METADATA_KEY_FORBIDDEN: (
        400,
        "File's metadata key `%s` contains symbols not allowed by the metadata key format.",
    ),
    Code.METADATA_KEY_TOO_LONG: (400, "Length of file metadata key `%s` can not be more than %d symbols."),
    Code.METADATA_TOO_MANY: (400, "A file can not have more than %d metadata keys."),
    Code.METADATA_VALUE_EMPTY: (400, "Value of the file metadata key `%s` can not be empty."),
    Code.METADATA_VALUE_TOO_LONG: (
        400,
        "Value of file metadata's key `%s` can not be more than %d symbols in length.",
    ),
    Code.TAGS_INVALID: (400, "Tags are invalid: %s."),
    Code.NULL_CHARACTERS: (400, "Null characters are not allowed."),
    Code.FORM_INVALID: (400, "HTTP POST request parsing failed."),
    Code.TOO_MANY_FIELDS: (400, "The request contains too many HTTP POST fields."),
    Code.TOO_MANY_FILES: (400, "The request contains too many files."),
    Code.REQUEST_TOO_LARGE: (413, "The size of the request is too large."),
    Code.THROTTLED: (429, "Request was throttled."),
    Code.FILES_REQUIRED: (400, "Request does not contain files."),
    Code.FILE_TOO_LARGE: (400, "File is too large."),
    Code.FILE_TYPE_FORBIDDEN: (400, "Uploading of these file types is not allowed."),
    Code.FILE_INFECTED: (400, "The file is infected by %s virus."),
    Code.SVG_INVALID: (400, "SVG validation failed: %s."),
    Code.SVG_MALICIOUS: (400, "SVG contains malicious content: %s."),
    Code.CHOSEN_ID_INVALID: (400, "UPLOADCARE_FILE_ID should be a valid UUID."),
    Code.CHOSEN_ID_TAKEN: (400, "UPLOADCARE_FILE_ID is duplicated. You are probably a lottery winner."),
    Code.FILE_ID_REQUIRED: (400, "file_id is required."),
    Code.FILE_ID_INVALID: (400, "file_id is invalid."),
    Code.FILE_NOT_FOUND: (404, "File is not found."),
}

_RETRY_AFTER = timedelta(seconds=15)
"""What clients assume when we say nothing (contract 1.5)."""


class UploadError(Exception):
    """An error with its code; `values` go into the message of the table. `more` is a sentence after it, for what the
    contract has no words for."""

    def __init__(
        self,
        code: Code,
        *values: str | int,
        more: str = "",
        status: int | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        usual, message = _TABLE[code]
        self.code = code
        self.status = status or usual
        self.message = f"{message % values} {more}".rstrip()
        self.retry_after = retry_after
        super().__init__(self.message)


def error_of(problem: Problem) -> UploadError:
    """What a problem from below is called here."""
    match problem:
        case Throttled():
            return UploadError(Code.THROTTLED, retry_after=problem.retry_after or _RETRY_AFTER)
        case StorageFull():
            return _our_fault(507, problem)
        case Busy():
            return _our_fault(503, problem)
        case FormInvalid() | BodyIncomplete():
            return UploadError(Code.FORM_INVALID)
        case SizeOverLimit() | TooLarge():
            return UploadError(Code.FILE_TOO_LARGE)
        case TypeNotAccepted():
            return UploadError(Code.FILE_TYPE_FORBIDDEN)
        case TokenSpent():
            return UploadError(Code.BEARER_SPENT)
        case UploadTaken():
            return UploadError(Code.CHOSEN_ID_TAKEN)
        case NotFound():
            return UploadError(Code.FILE_NOT_FOUND)
        case Invalid() | Conflict():
            return UploadError(Code.UPLOAD_VIEW, more=problem.detail)
        case Forbidden():
            return UploadError(Code.UPLOAD_VIEW, status=403, more=problem.detail)
        case _:
            return UploadError(Code.INTERNAL)


def refusal_of(file: File) -> UploadError:
    """Why a file that was quarantined, rejected or held is not there (decision 12)."""
    refusal = file.refusal or Refusal(code="refused", sentence="")
    if file.state is FileState.QUARANTINED:
        return UploadError(Code.FILE_INFECTED, refusal.quoted or "an unnamed")
    match refusal.code:
        case "type-not-accepted" | "type-mismatch":
            return UploadError(Code.FILE_TYPE_FORBIDDEN)
        case "unsafe-svg":
            return UploadError(Code.SVG_MALICIOUS, refusal.quoted or refusal.sentence)
        case "broken-svg" | "svg-too-large":
            return UploadError(Code.SVG_INVALID, refusal.quoted or refusal.sentence)
        case _:
            return UploadError(Code.UPLOAD_VIEW, more=refusal.sentence)


def error_response(error: UploadError, *, as_json: bool) -> Response:
    """Plain: the real status and the message alone. JSON: always 200, the status inside (contract 1.3)."""
    if as_json:
        body = {"error": {"content": error.message, "status_code": error.status, "error_code": error.code.value}}
        response = Response(msgspec.json.encode(body), media_type="application/json")
    else:
        response = Response(error.message, status_code=error.status, media_type="text/plain")
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after.total_seconds())))
    return response


def _our_fault(status: int, problem: Problem) -> UploadError:
    retry_after = problem.retry_after or timedelta(seconds=5)
    return UploadError(Code.INTERNAL, status=status, more=problem.title, retry_after=retry_after)
