"""Signatures: as AWS publishes them, and as botocore makes them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4PostAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from longshore.adapters.s3.sigv4 import Credentials, Signing, authorize, place_of, presign, seconds_between, sign_policy

# "Signature Calculations for the Authorization Header" and "... Query Parameters" in the Amazon S3 API Reference
DAY = datetime(2013, 5, 24, tzinfo=UTC)
EXAMPLE = Signing(Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "us-east-1")
PLACE = place_of("https://s3.amazonaws.com", "examplebucket", "virtual")
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

NOW = datetime(2026, 11, 21, 12, 34, 56, 789, tzinfo=UTC)
OURS = Signing(Credentials("AK/+=", "SECRET/+="), "eu-central-1")
THEIRS = BotoCredentials("AK/+=", "SECRET/+=")
METHODS = st.sampled_from(["GET", "PUT", "HEAD", "DELETE"])
KEYS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda key: not set(key.split("/")) & {".", ".."}
)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)


class _Unsigned(S3SigV4Auth):
    def payload(self, request: AWSRequest) -> str:
        return "UNSIGNED-PAYLOAD"


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))


def test_the_published_presigned_get() -> None:
    url = presign("GET", PLACE, "test.txt", signing=EXAMPLE, now=DAY, expires=86400)

    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


@pytest.mark.parametrize(
    ("method", "key", "headers", "query", "payload", "signature"),
    [
        (
            "GET",
            "test.txt",
            {"range": "bytes=0-9"},
            {},
            EMPTY,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "test$file.text",
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            {},
            "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "", {}, {"lifecycle": ""}, EMPTY, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "",
            {},
            {"max-keys": "2", "prefix": "J"},
            EMPTY,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_published_authorization_headers(
    method: str, key: str, headers: dict[str, str], query: dict[str, str], payload: str, signature: str
) -> None:
    signed = authorize(method, PLACE, key, signing=EXAMPLE, now=DAY, headers=headers, query=query, payload=payload)

    assert signed["authorization"].endswith(f"Signature={signature}")


@given(method=METHODS, key=KEYS, query=st.dictionaries(WORDS, VALUES, max_size=3), expires=st.integers(1, 604800))
def test_presigned_urls_are_botocores(method: str, key: str, query: dict[str, str], expires: int) -> None:
    headers = {"content-type": "image/svg+xml;  charset=utf-8", "content-length": "17", "if-none-match": "*"}
    place = place_of("http://127.0.0.1:8000", "bucket", "path")
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        request = AWSRequest(method, f"{place.origin}{place.path(key)}", headers=headers, params=query)
        S3SigV4QueryAuth(THEIRS, "s3", OURS.region, expires=expires).add_auth(request)

    url = presign(method, place, key, signing=OURS, now=NOW, expires=expires, headers=headers, query=query)

    theirs = parse_qs(urlsplit(str(request.url)).query, keep_blank_values=True)
    assert parse_qs(urlsplit(url).query, keep_blank_values=True) == theirs


@given(method=METHODS, key=KEYS, query=st.dictionaries(WORDS, VALUES, max_size=3))
def test_authorization_headers_are_botocores(method: str, key: str, query: dict[str, str]) -> None:
    headers = {"content-type": "text/plain", "x-amz-copy-source": "/a/b%20c"}
    place = place_of("https://s3.example:9000/base", "bucket", "path")
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        request = AWSRequest(method, f"{place.origin}{place.path(key)}", headers=headers, params=query, data=b"body")
        _Unsigned(THEIRS, "s3", OURS.region).add_auth(request)

    signed = authorize(method, place, key, signing=OURS, now=NOW, headers=headers, query=query)

    theirs = request.headers["Authorization"].replace(", ", ",")
    assert signed["authorization"] == theirs
    assert signed["x-amz-content-sha256"] == request.headers["X-Amz-Content-SHA256"] == "UNSIGNED-PAYLOAD"


def test_a_policy_is_signed_as_botocore_signs_it() -> None:
    expires_at = NOW + timedelta(hours=1)
    ours = sign_policy(
        "bucket",
        {"key": "a/b", "Content-Type": "image/png"},
        [("content-length-range", 1, 1000)],
        signing=OURS,
        now=NOW,
        expires_at=expires_at,
    )
    policy = json.loads(base64.b64decode(ours["policy"]))
    request = AWSRequest("POST", "https://s3.example/bucket")
    request.context["s3-presign-post-fields"] = {}
    given_conditions = [
        one for one in policy["conditions"] if not (isinstance(one, dict) and str(*one).startswith("x-"))
    ]
    request.context["s3-presign-post-policy"] = {"expiration": policy["expiration"], "conditions": given_conditions}
    S3SigV4PostAuth(THEIRS, "s3", OURS.region).add_auth(request)
    theirs = request.context["s3-presign-post-fields"]

    assert policy["expiration"] == "2026-11-21T13:34:56.000Z"
    assert {name: ours[name] for name in ("x-amz-algorithm", "x-amz-credential", "x-amz-date")} == {
        name: theirs[name] for name in ("x-amz-algorithm", "x-amz-credential", "x-amz-date")
    }
    # conditions stand in another order there, so the signature is judged over our own policy's text
    with mock.patch.object(botocore.auth.json, "dumps", return_value=base64.b64decode(ours["policy"]).decode()):
        S3SigV4PostAuth(THEIRS, "s3", OURS.region).add_auth(request)
    assert request.context["s3-presign-post-fields"]["x-amz-signature"] == ours["x-amz-signature"]


@pytest.mark.parametrize(
    ("endpoint", "addressing", "url"),
    [
        ("http://127.0.0.1:8000", "path", "http://127.0.0.1:8000/b/k"),
        ("https://s3.example:443/", "path", "https://s3.example/b/k"),
        ("https://s3.example", "virtual", "https://b.s3.example/k"),
        ("http://[::1]:80/s3", "path", "http://[::1]/s3/b/k"),
    ],
)
def test_addresses_are_those_that_clients_send(endpoint: str, addressing, url: str) -> None:
    place = place_of(endpoint, "b", addressing)

    assert f"{place.origin}{place.path('k')}" == url
    assert urlsplit(url).netloc == place.host


def test_expiry_stays_within_what_s3_takes() -> None:
    assert seconds_between(NOW, NOW - timedelta(hours=1)) == 1
    assert seconds_between(NOW, NOW + timedelta(hours=1)) == 3600
    assert seconds_between(NOW, NOW + timedelta(days=30)) == 604800


def test_credentials_do_not_show_their_secret() -> None:
    assert "SECRET" not in repr(OURS)
