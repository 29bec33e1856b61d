"""AWS Signature Version 4 for S3: pure functions, nothing but arithmetic.

Three forms, as in the "Amazon Simple Storage Service API Reference", "Authenticating Requests (AWS Signature Version
4)": in the query (presigned URLs, for any method, query and headers), in the Authorization header, and over a POST
policy. What the standard library's `quote` would do to `~` is what S3 wants (RFC 3986); keys are encoded once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
MAX_EXPIRY = 7 * 24 * 3600
"""Seconds; S3 takes no longer-lived presigned URL."""


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str
    secret_key: str

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r}, ...)"


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs, and for where."""

    credentials: Credentials
    region: str


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket behind an endpoint: `origin` is scheme and host, `base` the encoded path before the key, if any."""

    origin: str
    host: str
    base: str

    def path(self, key: str) -> str:
        """The encoded path of a key; of the bucket itself for an empty one."""
        return f"{self.base}/{quote(key, safe='/~')}" if key else self.base or "/"


def place_of(endpoint: str, bucket: str, addressing: Literal["path", "virtual"]) -> Place:
    """`endpoint` is a URL; its default port is left out, as HTTP clients leave it out of the Host header."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    if parts.port is not None and parts.port != {"http": 80, "https": 443}[parts.scheme]:
        host = f"{host}:{parts.port}"
    base = quote(parts.path.rstrip("/"), safe="/~%")
    if addressing == "virtual":
        host = f"{bucket}.{host}"
    else:
        base = f"{base}/{bucket}"
    return Place(f"{parts.scheme}://{host}", host, base)


def presign(
    method: str,
    place: Place,
    key: str,
    *,
    signing: Signing,
    now: datetime,
    expires: int,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> str:
    """A URL for `method` on `key`, good for `expires` seconds from `now`.

    All `headers` (lower-case names) are signed: whoever uses the URL must send exactly these.
    """
    stamp = _stamp(now)
    key_of_day, scope, credential = _of_day(signing, stamp[:8])
    signed = "host"
    lines = f"host:{place.host}\n"
    if headers:
        listed = sorted([("host", place.host), *headers.items()])
        signed = ";".join([name for name, _ in listed])
        lines = "".join([f"{name}:{_trimmed(value)}\n" for name, value in listed])
    parameters = (
        f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={stamp}"
        f"&X-Amz-Expires={expires}&X-Amz-SignedHeaders={signed.replace(';', '%3B')}"
    )
    if query:
        extra = [(_encoded(name), _encoded(value)) for name, value in query.items()]
        parameters = _joined([*((name, value) for name, _, value in _partitioned(parameters)), *extra])
    path = place.path(key)
    canonical = f"{method}\n{path}\n{parameters}\n{lines}\n{signed}\n{UNSIGNED}"
    signature = _signature(key_of_day, stamp, scope, canonical)
    return f"{place.origin}{path}?{parameters}&X-Amz-Signature={signature}"


def authorize(
    method: str,
    place: Place,
    key: str,
    *,
    signing: Signing,
    now: datetime,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    payload: str = UNSIGNED,
) -> dict[str, str]:
    """All headers to send but Host: the given ones (lower-case names) and those that prove them.

    `payload` is the body's SHA-256 in hex, or UNSIGNED.
    """
    stamp = _stamp(now)
    key_of_day, scope, _ = _of_day(signing, stamp[:8])
    sent = {**(headers or {}), "x-amz-content-sha256": payload, "x-amz-date": stamp}
    listed = sorted([("host", place.host), *sent.items()])
    signed = ";".join([name for name, _ in listed])
    lines = "".join([f"{name}:{_trimmed(value)}\n" for name, value in listed])
    canonical = f"{method}\n{place.path(key)}\n{canonical_query(query or {})}\n{lines}\n{signed}\n{payload}"
    signature = _signature(key_of_day, stamp, scope, canonical)
    sent["authorization"] = (
        f"{ALGORITHM} Credential={signing.credentials.access_key}/{scope},SignedHeaders={signed},Signature={signature}"
    )
    return sent


def sign_policy(
    bucket: str,
    fields: Mapping[str, str],
    conditions: Iterable[Sequence[str | int]],
    *,
    signing: Signing,
    now: datetime,
    expires_at: datetime,
) -> dict[str, str]:
    """The fields of a form: the given ones, each demanded exactly, those that prove them, and the policy, which also
    holds `conditions` such as `["content-length-range", 1, 1000]`."""
    stamp = _stamp(now)
    key_of_day, scope, _ = _of_day(signing, stamp[:8])
    all_fields = {
        **fields,
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": f"{signing.credentials.access_key}/{scope}",
        "x-amz-date": stamp,
    }
    demands: list[dict[str, str] | list[str | int]] = [{"bucket": bucket}]
    demands += [{name: value} for name, value in all_fields.items()]
    demands += [list(condition) for condition in conditions]
    policy = {"expiration": expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"), "conditions": demands}
    encoded = base64.b64encode(json.dumps(policy, separators=(",", ":")).encode()).decode()
    return {
        **all_fields,
        "policy": encoded,
        "x-amz-signature": hmac.digest(key_of_day, encoded.encode(), hashlib.sha256).hex(),
    }


def canonical_query(query: Mapping[str, str]) -> str:
    """Encoded and sorted; the same string is to be sent."""
    return _joined([(_encoded(name), _encoded(value)) for name, value in query.items()])


def seconds_between(now: datetime, expires_at: datetime) -> int:
    """What a presigned URL may say: whole seconds, at least one, at most a week."""
    return max(1, min(MAX_EXPIRY, (expires_at - now) // timedelta(seconds=1)))


def _joined(pairs: list[tuple[str, str]]) -> str:
    """Sorted by name, not by `name=value`: `a` comes before `a-b`."""
    return "&".join([f"{name}={value}" for name, value in sorted(pairs)])


def _partitioned(parameters: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in parameters.split("&")]


def _signature(key_of_day: bytes, stamp: str, scope: str, canonical: str) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.digest(key_of_day, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode(), hashlib.sha256).hex()


@lru_cache(maxsize=64)
def _of_day(signing: Signing, day: str) -> tuple[bytes, str, str]:
    """The signing key, the scope, and the credential as it stands in a query: the same for a whole day."""
    key = f"AWS4{signing.credentials.secret_key}".encode()
    for word in (day, signing.region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), hashlib.sha256)
    scope = f"{day}/{signing.region}/s3/aws4_request"
    return key, scope, _encoded(f"{signing.credentials.access_key}/{scope}")


@lru_cache(maxsize=1024)
def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _trimmed(value: str) -> str:
    return " ".join(value.split())


def _stamp(now: datetime) -> str:
    return _stamp_of(int(now.timestamp()))


@lru_cache(maxsize=16)
def _stamp_of(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
