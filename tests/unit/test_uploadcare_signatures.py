"""Proof of a secret key, against the contract's vectors (5.3)."""

from datetime import UTC, datetime, timedelta

import pytest

from longshore.core.ids import KeyId, ProjectId
from longshore.core.project import SecretKey
from longshore.core.signing import upload_signature
from longshore.http.uploadcare.errors import Code, UploadError
from longshore.http.uploadcare.signatures import (
    check_upload,
    is_recent,
    key_of_secret,
    key_of_signature,
    parse_date,
)

NOW = datetime(2023, 3, 9, 12, tzinfo=UTC)


def key(secret: str, ident: int = 1) -> SecretKey:
    return SecretKey(id=KeyId(ident), project_id=ProjectId(1), secret=secret, hint="", created_at=NOW)


@pytest.mark.parametrize(
    ("secret", "expire", "signature"),
    [
        ("demosecretkey", "60", "7d2e71d1843788a02d0c7fe6f5d71edf657363a369112e78d4f37ace3f884b00"),
        ("YOUR_SECRET_KEY", "1678361640", "93b69d086a487fbdfc36172b96a5d7f5afa7cb209e43e5f25890bc037e638584"),
    ],
)
def test_an_upload_signature_is_the_contracts(secret: str, expire: str, signature: str) -> None:
    check_upload(signature, expire, [key("another"), key(secret, 2)], datetime.fromtimestamp(int(expire), UTC))


@pytest.mark.parametrize(
    ("signature", "expire", "code"),
    [
        ("", "", Code.SIGNATURE_REQUIRED),
        ("", "2000000000", Code.SIGNATURE_REQUIRED),
        ("ab", "", Code.EXPIRE_REQUIRED),
        ("ab", "soon", Code.EXPIRE_INVALID),
        ("ab", "-5", Code.EXPIRE_INVALID),
        ("ab", "٢٠٠٠٠٠٠٠٠٠", Code.EXPIRE_INVALID),
        ("ab", "1_000", Code.EXPIRE_INVALID),
        ("ab", str(1 << 63), Code.EXPIRE_INVALID),
        (upload_signature("secret", "60"), "60", Code.SIGNATURE_EXPIRED),
        ("ab", "60", Code.SIGNATURE_EXPIRED),
        ("ab", "2000000000", Code.SIGNATURE_INVALID),
        ("ключ", "2000000000", Code.SIGNATURE_INVALID),
        (upload_signature("secret", "2000000001"), "2000000000", Code.SIGNATURE_INVALID),
        (upload_signature("other", "2000000000"), "2000000000", Code.SIGNATURE_INVALID),
    ],
)
def test_a_wrong_upload_signature_is_refused_in_the_contracts_order(signature: str, expire: str, code: Code) -> None:
    with pytest.raises(UploadError) as caught:
        check_upload(signature, expire, [key("secret")], NOW)

    assert caught.value.code is code


@pytest.mark.parametrize(
    ("secret", "signature"),
    [
        ("demoprivatekey", "3cbc4d2cf91f80c1ba162b926f8a975e8bec7995"),
        ("YOUR_SECRET_KEY", "6d71c0f3769021d56765bc2dfb3e168a64d25e4b"),
        ("demosecretkey", "34ae4de8c47d9f8e9bc8a7da9a5081267a0e4c03"),
    ],
)
def test_a_rest_signature_of_a_read_is_the_contracts(secret: str, signature: str) -> None:
    keys = [key("another"), key(secret, 7)]

    found = key_of_signature(
        signature,
        keys,
        method="GET",
        body=b"",
        content_type="application/json",
        date="Mon, 05 Nov 2018 13:14:41 GMT",
        uri="/files/?limit=1&stored=true",
    )

    assert found is keys[1]


def test_a_rest_signature_of_a_write_is_the_contracts() -> None:
    keys = [key("demosecretkey")]
    request = {
        "method": "PUT",
        "body": b'["aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"]',
        "content_type": "application/json",
        "date": "Mon, 05 Nov 2018 13:14:41 GMT",
        "uri": "/files/storage/",
    }
    signature = "0a31fea33535c50b1a5c808a3aa0f13d841f8118"

    assert key_of_signature(signature, keys, **request) is keys[0]
    for changed in ({"method": "DELETE"}, {"body": b"[]"}, {"content_type": ""}, {"date": ""}, {"uri": "/files/"}):
        assert key_of_signature(signature, keys, **{**request, **changed}) is None


def test_a_secret_finds_its_key() -> None:
    keys = [key("one", 1), key("two", 2)]

    assert key_of_secret("two", keys) is keys[1]
    assert key_of_secret("three", keys) is None
    assert key_of_secret("", keys) is None


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 30 Sep 2016 11:10:54 GMT",
        "Fri, 30 Sep 2016, 11:10:54 GMT",  # pyuploadcare
        "30 Sep 2016 11:10:54 UTC",
        "Fri, 30 Sep 2016 13:10:54 +0200",
        " Fri,  30 Sep 2016  11:10:54 GMT ",
    ],
)
def test_dates_are_read_leniently(text: str) -> None:
    assert parse_date(text) == datetime(2016, 9, 30, 11, 10, 54, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2016-09-30T11:10:54Z", "Fri, 31 Feb 2016 11:10:54 GMT", "Fri, ٣٠ Sep 2016 11:10:54 GMT"],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None
    assert not is_recent(text, NOW)


@pytest.mark.parametrize(
    ("away", "recent"),
    [(timedelta(minutes=15), True), (timedelta(minutes=-15), True), (timedelta(minutes=15, seconds=1), False)],
)
def test_dates_may_be_a_quarter_of_an_hour_off(away: timedelta, recent: bool) -> None:
    text = (NOW + away).strftime("%a, %d %b %Y %H:%M:%S GMT")

    assert is_recent(text, NOW) is recent
