"""Signed links to `/storage/...`: arithmetic on one side, its inversion on the other.

They behave like S3's presigned requests: whoever has one may store exactly what it says, and nothing else. The
signature covers method, key, type, sizes and expiry; a changed, missing, doubled or additional parameter is refused.

    PUT  <base>/storage/incoming/<uuid>?type=image%2Fjpeg&size=1-1000&expires=1790000000&signature=<43 characters>
    POST <base>/storage/   key, Content-Type, policy (base64 of JSON), signature, file
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from urllib.parse import quote

from longshore.core.signing import equal
from longshore.core.sizes import parse_int
from longshore.core.time import EPOCH, Clock
from longshore.ports.storage import (
    Bucket,
    Constraints,
    LinkAbilities,
    LinkExpired,
    LinkGrant,
    LinkInvalid,
    ObjectKey,
    SignedForm,
    SignedRequest,
    WrongType,
    is_key_name,
)

_SECOND = timedelta(seconds=1)
_LAST_SECOND = 253_402_300_799  # of the year 9999: what datetime can hold
_PUT_PARAMETERS = {"type", "size", "expires", "signature"}
_POST_FIELDS = {"key", "Content-Type", "policy", "signature"}


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    return quote(text, safe="")


class Signature:
    """HMAC-SHA256 with the installation's key for links, base64url without padding."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the key for links must have 32 bytes")
        self._key = key

    def of(self, *lines: str) -> str:
        """`lines` hold no line feed: they are keys, numbers, media types and base64."""
        digest = hmac.digest(self._key, "\n".join(lines).encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest)[:43].decode()


class DiskLinkSigner:
    """`ports.storage.LinkSigner`. `public_url` is where people reach us, without a slash at the end."""

    def __init__(self, public_url: str, key: bytes) -> None:
        self._url = f"{public_url.rstrip('/')}/storage/"
        self._signature = Signature(key)

    @property
    def abilities(self) -> LinkAbilities:
        return LinkAbilities()

    def put(self, key: ObjectKey, constraints: Constraints) -> SignedRequest:
        path = f"{key.bucket.value}/{key.name}"
        kind = constraints.content_type
        size = f"{constraints.size_min}-{constraints.size_max}"
        expires = str((constraints.expires_at - EPOCH) // _SECOND)
        signature = self._signature.of("PUT", path, kind, size, expires)
        return SignedRequest(
            method="PUT",
            url=f"{self._url}{path}?type={_quoted(kind)}&size={size}&expires={expires}&signature={signature}",
            headers={"Content-Type": kind},
            expires_at=constraints.expires_at.replace(microsecond=0),
        )

    def post(self, key: ObjectKey, constraints: Constraints) -> SignedForm:
        path = f"{key.bucket.value}/{key.name}"
        policy = {
            "key": path,
            "type": constraints.content_type,
            "size": [constraints.size_min, constraints.size_max],
            "expires": (constraints.expires_at - EPOCH) // _SECOND,
        }
        encoded = base64.b64encode(json.dumps(policy, separators=(",", ":")).encode()).decode()
        return SignedForm(
            url=self._url,
            fields={
                "key": path,
                "Content-Type": constraints.content_type,
                "policy": encoded,
                "signature": self._signature.of("POST", encoded),
            },
            expires_at=constraints.expires_at.replace(microsecond=0),
        )


class LinkVerifier:
    """The inversion of DiskLinkSigner. Nothing is believed, or even looked at closely, before the signature holds."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._signature = Signature(key)
        self._clock = clock

    def put(self, path: str, query: Mapping[str, str], content_type: str | None) -> LinkGrant:
        """See `LinkReceiver.verify_put`."""
        if set(query) != _PUT_PARAMETERS:
            raise LinkInvalid
        kind, size, expires = query["type"], query["size"], query["expires"]
        if not equal(self._signature.of("PUT", path, kind, size, expires), query["signature"]):
            raise LinkInvalid
        low, _, high = size.partition("-")
        grant = self._grant(path, kind, parse_int(low), parse_int(high), parse_int(expires), write_once=True)
        if content_type != kind:
            raise WrongType(f"The link was signed for Content-Type: {kind}", expected=kind)
        return grant

    def post(self, fields: Mapping[str, str]) -> LinkGrant:
        """See `LinkReceiver.verify_post`."""
        if set(fields) != _POST_FIELDS or not equal(self._signature.of("POST", fields["policy"]), fields["signature"]):
            raise LinkInvalid
        try:
            policy = cast("object", json.loads(base64.b64decode(fields["policy"], validate=True)))
        except (binascii.Error, ValueError) as error:
            raise LinkInvalid from error
        match policy:
            case {"key": str(path), "type": str(kind), "size": [int(low), int(high)], "expires": int(expires)}:
                if fields["key"] != path or fields["Content-Type"] != kind:
                    raise LinkInvalid
                return self._grant(path, kind, low, high, expires, write_once=False)
            case _:
                raise LinkInvalid

    def _grant(
        self, path: str, kind: str, low: int | None, high: int | None, expires: int | None, *, write_once: bool
    ) -> LinkGrant:
        bucket, _, name = path.partition("/")
        if low is None or high is None or expires is None or not 0 <= expires <= _LAST_SECOND:
            raise LinkInvalid
        if bucket not in set(Bucket) or not is_key_name(name):
            raise LinkInvalid
        expires_at: datetime = EPOCH + expires * _SECOND
        if self._clock.now() >= expires_at:
            raise LinkExpired
        return LinkGrant(
            key=ObjectKey(Bucket(bucket), name),
            constraints=Constraints(content_type=kind, size_min=low, size_max=high, expires_at=expires_at),
            write_once=write_once,
        )
