"""Upload tokens of the contract (1.6): a JWT that the application signs, for a scope of paths and a number of files.

They are not the native API's tokens (decision 7): no issuer, no audience, and the project is named beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import jwt

from longshore.core.principal import UploadClient
from longshore.core.project import Project, SecretKey
from longshore.core.signing import jwt_key, sha256_hex
from longshore.http.uploadcare.errors import Code, UploadError

LIFETIME = timedelta(hours=24)
MAX_TOKEN = 4096
_BEARER = "bearer"
_UNVERIFIED_TIME = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}


def bearer_of(authorization: str) -> str | None:
    """The token of an `Authorization` header, None when there is none of this kind."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == _BEARER else None


def check_token(token: str, path: str, project: Project, keys: Sequence[SecretKey], now: datetime) -> UploadClient:
    """The caller that `token` makes, for a call of `path`. Time is judged by `now`. Raises UploadError."""
    claims = _claims(token, keys)
    expires_at = _expires_at(claims, now)
    restrictions = _mapping(_mapping(claims, "uc"), "restrictions")
    scope = restrictions.get("scope")
    if scope is not None and not any(_covers(pattern, path) for pattern in _texts(scope)):
        raise UploadError(Code.BEARER_SCOPE, path)
    return UploadClient(
        project=project,
        # What was signed, without the signature: base64 has several spellings of that, each a fresh token otherwise.
        token_id=sha256_hex(token.rpartition(".")[0]),
        max_files=_count(_mapping(restrictions, "limits"), "operations"),
        expires_at=expires_at,
    )


def _claims(token: str, keys: Sequence[SecretKey]) -> Mapping[str, Any]:
    if len(token) > MAX_TOKEN or not token.isascii():
        raise _invalid("it is not a JWT")
    for key in keys:
        try:
            return jwt.decode(token, jwt_key(key.secret), algorithms=["HS256"], options=cast("Any", _UNVERIFIED_TIME))
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidAlgorithmError as error:
            raise _invalid("it must be signed with HS256") from error
        except jwt.InvalidTokenError as error:
            raise _invalid("it is not a JWT") from error
    raise _invalid("the signature does not hold")


def _expires_at(claims: Mapping[str, Any], now: datetime) -> datetime:
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if issued is None:
        raise _invalid("`iat` is missing")
    if issued > now:
        raise _invalid("`iat` is in the future")
    if expires is not None and expires - issued > LIFETIME:
        raise _invalid("it lives longer than 24 hours")
    expires = issued + LIFETIME if expires is None else expires
    if expires <= now:
        raise UploadError(Code.BEARER_EXPIRED)
    return expires


def _covers(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 37:
        raise _invalid(f"`{name}` is not a UNIX timestamp")
    return datetime.fromtimestamp(value, UTC)


def _mapping(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = claims.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid(f"`{name}` is not an object")
    return cast("Mapping[str, Any]", value)


def _texts(value: object) -> Sequence[str]:
    if not isinstance(value, list):
        raise _invalid("`scope` is not a list of paths")
    items = cast("list[object]", value)
    if not all(isinstance(item, str) for item in items):
        raise _invalid("`scope` is not a list of paths")
    return cast("list[str]", items)


def _count(limits: Mapping[str, Any], name: str) -> int | None:
    value = limits.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _invalid(f"`{name}` is not a whole number")
    return value


def _invalid(reason: str) -> UploadError:
    return UploadError(Code.BEARER_INVALID, reason)
