"""Proof that a caller holds a secret key: of upload calls (contract 1.6) and of REST calls (2.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from longshore.core.project import SecretKey
from longshore.core.signing import equal, rest_signature, upload_signature
from longshore.core.sizes import parse_int
from longshore.http.uploadcare.errors import Code, UploadError

DATE_TOLERANCE = timedelta(minutes=15)
#: RFC 2822, and pyuploadcare's spelling of it with a second comma, after the year.
_DATE = re.compile(
    r"(?:[A-Za-z]{3},?\s+)?([0-9]{1,2}\s+[A-Za-z]{3}\s+[0-9]{4}),?\s+([0-9]{2}:[0-9]{2}:[0-9]{2})\s+"
    r"(GMT|UTC|UT|Z|[+-][0-9]{4})"
)


def check_upload(signature: str, expire: str, keys: Sequence[SecretKey], now: datetime) -> None:
    """An upload's `signature` and `expire`, by any of `keys`. Raises UploadError, in the contract's order."""
    if not signature:
        raise UploadError(Code.SIGNATURE_REQUIRED)
    if not expire:
        raise UploadError(Code.EXPIRE_REQUIRED)
    expires = parse_int(expire)
    if expires is None:
        raise UploadError(Code.EXPIRE_INVALID)
    if expires < now.timestamp():
        raise UploadError(Code.SIGNATURE_EXPIRED)
    if not any(equal(upload_signature(key.secret, expire), signature) for key in keys):
        raise UploadError(Code.SIGNATURE_INVALID)


def key_of_secret(secret: str, keys: Sequence[SecretKey]) -> SecretKey | None:
    return next((key for key in keys if equal(key.secret, secret)), None)


def key_of_signature(
    signature: str, keys: Sequence[SecretKey], *, method: str, body: bytes, content_type: str, date: str, uri: str
) -> SecretKey | None:
    """The key that made `signature` over this request; `date` and `uri` literally as they came."""
    for key in keys:
        if equal(rest_signature(key.secret, method, body, content_type, date, uri), signature):
            return key
    return None


def is_recent(date: str, now: datetime) -> bool:
    moment = parse_date(date)
    return moment is not None and abs(moment - now) <= DATE_TOLERANCE


def parse_date(text: str) -> datetime | None:
    """A `Date` header, leniently; None for what is no date."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    zone = match[3] if match[3][0] in "+-" else "+0000"
    try:
        return parsedate_to_datetime(f"{match[1]} {match[2]} {zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
