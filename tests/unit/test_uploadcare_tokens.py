"""Upload tokens of the Uploadcare contract (1.6)."""

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from longshore.core.ids import KeyId, ProjectId
from longshore.core.principal import UploadClient
from longshore.core.project import Project, SecretKey
from longshore.core.signing import jwt_key
from longshore.http.uploadcare.errors import Code, UploadError
from longshore.http.uploadcare.tokens import bearer_of, check_token

NOW = datetime.fromtimestamp(1790000000, UTC)
PROJECT = Project(id=ProjectId(1), name="demo", public_key="pk", created_at=NOW)
KEYS = [
    SecretKey(id=KeyId(n), project_id=ProjectId(1), secret=secret, hint="", created_at=NOW)
    for n, secret in enumerate(("another", "demosecretkey"))
]
#: The contract's vector (5.3), put together of its parts.
VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJpYXQiOjE3OTAwMDAwMDAsImV4cCI6MTc5MDAwMzYwMCwidWMiOnsicmVzdHJpY3Rpb25zIjp7InNjb3BlIjpbIi9iYXNlLyJdLCJsaW1pdHMi"
    "Onsib3BlcmF0aW9ucyI6MX19fX0."
    "U9qoTmC3nFgofif5PIOVxBTU9dGfWTojIzpQC2ekTQM"
)


def token(secret: str = "demosecretkey", **claims: Any) -> str:
    return jwt.encode({"iat": NOW.timestamp(), **claims}, jwt_key(secret), algorithm="HS256")


def check(text: str, path: str = "/base/") -> UploadClient:
    return check_token(text, path, PROJECT, KEYS, NOW)


def restricted(**restrictions: Any) -> str:
    return token(uc={"restrictions": restrictions})


def test_the_contracts_token_is_good_for_one_file() -> None:
    caller = check(VECTOR)

    assert (caller.project, caller.max_files) == (PROJECT, 1)
    assert caller.expires_at == datetime.fromtimestamp(1790003600, UTC)


def test_another_spelling_of_the_signature_is_no_fresh_token() -> None:
    """PyJWT takes base64 with its padding too."""
    assert check(VECTOR + "=").token_id == check(VECTOR).token_id


def test_a_token_without_restrictions_is_not_restricted() -> None:
    assert check(token()).max_files is None


@pytest.mark.parametrize(
    ("scope", "path", "is_covered"),
    [
        (["/base/"], "/base/", True),
        (["/base/"], "/iframe/", False),
        (["/multipart/*", "/base/"], "/base/", True),
        (["/multipart/*"], "/multipart/start/", True),
        (["/multipart/*"], "/base/", False),
        (["*"], "/base/", True),
        ([], "/base/", False),
    ],
)
def test_the_scope_is_a_list_of_paths(scope: list[str], path: str, is_covered: bool) -> None:
    if is_covered:
        assert check(restricted(scope=scope), path)
    else:
        with pytest.raises(UploadError) as caught:
            check(restricted(scope=scope), path)
        assert caught.value.code is Code.BEARER_SCOPE


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (token(exp=NOW.timestamp()), Code.BEARER_EXPIRED),
        (token(iat=NOW.timestamp() - 86_401), Code.BEARER_EXPIRED),
        (token(iat=NOW.timestamp() + 1), Code.BEARER_INVALID),
        (token(exp=NOW.timestamp() + 86_401), Code.BEARER_INVALID),
        (token(iat=True), Code.BEARER_INVALID),
        (token(iat="now"), Code.BEARER_INVALID),
        (token(exp=1 << 63), Code.BEARER_INVALID),
        (token(secret="other"), Code.BEARER_INVALID),
        (jwt.encode({"iat": 1}, jwt_key("demosecretkey") * 2, algorithm="HS512"), Code.BEARER_INVALID),
        (jwt.encode({"iat": 1}, "", algorithm="none"), Code.BEARER_INVALID),
        (jwt.encode({"exp": 1790003600}, jwt_key("demosecretkey")), Code.BEARER_INVALID),
        (VECTOR.replace(".U9q", ".V9q"), Code.BEARER_INVALID),
        (VECTOR.replace("6MX19fX0", "6OX19fX0"), Code.BEARER_INVALID),
        ("", Code.BEARER_INVALID),
        ("a.b.c", Code.BEARER_INVALID),
        ("ж.ж.ж", Code.BEARER_INVALID),
        ("a" * 5000, Code.BEARER_INVALID),
        (token(uc=[]), Code.BEARER_INVALID),
        (restricted(scope="/base/"), Code.BEARER_INVALID),
        (restricted(scope=[1]), Code.BEARER_INVALID),
        (restricted(limits={"operations": -1}), Code.BEARER_INVALID),
        (restricted(limits={"operations": "1"}), Code.BEARER_INVALID),
    ],
)
def test_bad_tokens_are_refused(text: str, code: Code) -> None:
    with pytest.raises(UploadError) as caught:
        check(text)

    assert (caught.value.code, caught.value.status) == (code, 401)


@pytest.mark.parametrize(
    ("header", "found"), [("Bearer a.b.c", "a.b.c"), ("bearer  x ", "x"), ("", None), ("Basic x", None)]
)
def test_bearers_are_found(header: str, found: str | None) -> None:
    assert bearer_of(header) == found
