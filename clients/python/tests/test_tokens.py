"""Upload tokens, judged by PyJWT as the server does (decision 7)."""

from __future__ import annotations

import hashlib

import jwt
import pytest

from longshore_client import sign_upload_token

SECRET = "a-secret-key"


def test_a_token_says_what_it_grants_and_nothing_else() -> None:
    token = sign_upload_token(
        SECRET,
        public_key="pub",
        uploader="u-42",
        lifetime=60,
        group="premium",
        kinds=["avatar", "banner"],
        record="user/42",
        max_size=1000,
        max_files=3,
    )

    claims = jwt.decode(token, hashlib.sha256(SECRET.encode()).digest(), algorithms=["HS256"], audience="longshore")

    assert claims.pop("exp") - claims.pop("iat") == 60
    assert claims == {
        "iss": "pub",
        "aud": "longshore",
        "sub": "u-42",
        "group": "premium",
        "kinds": ["avatar", "banner"],
        "record": "user/42",
        "limits": {"size": 1000, "files": 3},
    }


def test_what_is_left_open_is_not_in_it() -> None:
    token = sign_upload_token(SECRET, public_key="pub", uploader="u-42", now=1_000_000)

    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims == {"iss": "pub", "aud": "longshore", "sub": "u-42", "iat": 1_000_000, "exp": 1_000_600}


def test_tokens_that_last_too_long_or_grant_nothing_are_not_made() -> None:
    for lifetime in (0, -1, 24 * 3600 + 1):
        with pytest.raises(ValueError, match="lifetime"):
            sign_upload_token(SECRET, public_key="pub", uploader="u", lifetime=lifetime)
    for kinds in ([], "avatar"):
        with pytest.raises(ValueError, match="kinds"):
            sign_upload_token(SECRET, public_key="pub", uploader="u", kinds=kinds)
