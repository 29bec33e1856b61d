"""Upload tokens: what your server hands to people who may upload, without asking Longshore."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence

MAX_LIFETIME = 24 * 3600


def sign_upload_token(
    secret_key: str,
    *,
    public_key: str,
    uploader: str,
    lifetime: float = 600,
    group: str | None = None,
    kinds: Sequence[str] | None = None,
    record: str | None = None,
    max_size: int | None = None,
    max_files: int | None = None,
    now: float | None = None,
) -> str:
    """A token that lets `uploader` upload for `lifetime` seconds, and nothing beyond what is said here.

    None leaves a matter open: any of the project's `kinds`, no `record` (`type/id`), the project's sizes in bytes.
    It is a JWT (RFC 7519), HS256 with the SHA-256 digest of the secret key. Raises
    ValueError for a lifetime that is not positive or longer than a day, and for an empty list of kinds.
    """
    if not 0 < lifetime <= MAX_LIFETIME:
        raise ValueError("lifetime must be positive and at most a day")
    if kinds is not None and (isinstance(kinds, str) or not kinds):
        raise ValueError("kinds must be a list of at least one kind, or None for any")
    issued = int(time.time() if now is None else now)
    limits = {name: value for name, value in (("size", max_size), ("files", max_files)) if value is not None}
    claims: dict[str, object] = {
        "iss": public_key,
        "aud": "longshore",
        "sub": uploader,
        "iat": issued,
        "exp": issued + max(1, int(lifetime)),
    }
    if group is not None:
        claims["group"] = group
    if kinds is not None:
        claims["kinds"] = list(kinds)
    if record is not None:
        claims["record"] = record
    if limits:
        claims["limits"] = limits
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    key = hashlib.sha256(secret_key.encode()).digest()
    return f"{signed}.{_base64url(hmac.digest(key, signed.encode(), 'sha256'))}"


def _part(value: dict[str, object] | dict[str, str]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
