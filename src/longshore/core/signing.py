"""Signatures, as pure functions. Keys come in as text or bytes; nothing is looked up here.

Comparisons go through `hmac.compare_digest`. The vectors of the Uploadcare contract (5.3) judge these in tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def equal(a: str, b: str) -> bool:
    """Constant-time comparison of two texts, also when they are not ASCII."""
    return hmac.compare_digest(a.encode("utf-8", "surrogatepass"), b.encode("utf-8", "surrogatepass"))


def hmac_sha256(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")


def upload_signature(secret_key: str, expire: str) -> str:
    """Uploadcare's `signature` field (contract 1.6): hex HMAC-SHA256 of the decimal expiry."""
    return hmac.digest(secret_key.encode(), expire.encode(), "sha256").hex()


def rest_signature(secret_key: str, method: str, body: bytes, content_type: str, date: str, uri: str) -> str:
    """Uploadcare's REST signature (contract 2.2): hex HMAC-SHA1 over five lines; `uri` raw as received."""
    body_md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    message = f"{method}\n{body_md5}\n{content_type}\n{date}\n{uri}"
    return hmac.digest(secret_key.encode(), message.encode("utf-8", "surrogateescape"), "sha1").hex()


def webhook_signature(signing_secret: str, body: bytes) -> str:
    """The value of `X-Uc-Signature` (contract 2.12)."""
    return "v1=" + hmac.digest(signing_secret.encode(), body, "sha256").hex()


def delivery_acl_signature(secret_hex: str, expires: int, acl: str) -> str:
    """Uploadcare's signed delivery URL (contract 3.8). The secret is hex text and is decoded first."""
    message = f"exp={expires}~acl={acl}"
    return hmac.digest(bytes.fromhex(secret_hex), message.encode(), "sha256").hex()


def jwt_key(secret_key: str) -> bytes:
    """The HS256 key of upload tokens: the raw SHA-256 digest of the secret key (contract 1.6, decision 7)."""
    return hashlib.sha256(secret_key.encode()).digest()


def derived_tokens(key: bytes, subject: str) -> tuple[str, str]:
    """Two independent 128-bit tokens that only the holder of `key` can make: the same for the same subject.

    Lets a repeated request be answered again although only hashes of tokens are stored.
    """
    digest = hmac_sha256(key, subject)
    return b64url(digest[:16]), b64url(digest[16:])
