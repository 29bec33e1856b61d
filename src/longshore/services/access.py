"""Who calls: from credentials on the wire to a principal, for every API outside the Uploadcare contract."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jwt

from longshore.core.errors import Unauthenticated
from longshore.core.ids import FileId
from longshore.core.principal import Browser, Principal, Server, TokenExpired, TokenHolder, TokenInvalid, Uploader
from longshore.core.project import Project
from longshore.core.signing import equal, jwt_key, sha256_hex
from longshore.core.sizes import MAX_SIZE
from longshore.core.time import Clock
from longshore.core.upload import BadLabel, check_label, parse_record
from longshore.ports.database import Database
from longshore.services.projects import Projects

AUDIENCE = "longshore"
MAX_TOKEN = 4096
WRITE, READ = "lw.", "lr."
"""Prefixes of an upload's own tokens, so that they are told apart from keys and JWTs."""


class Access:
    def __init__(self, projects: Projects, db: Database, clock: Clock) -> None:
        self._projects = projects
        self._db = db
        self._clock = clock

    async def principal(self, bearer: str | None, public_key: str | None, subject: FileId | None = None) -> Principal:
        """Who holds these credentials. `subject` is the upload or file the request is about, for its own tokens.

        Raises Unauthenticated, TokenExpired, TokenInvalid.
        """
        if bearer is not None:
            return await self._bearer(bearer, subject)
        if public_key:
            project = await self._projects.by_public_key(public_key)
            if project is None:
                raise Unauthenticated("There is no project with this public key")
            return Browser(project=project)
        raise Unauthenticated("Send a secret key or an upload token as `Authorization: Bearer ...`, or `pub_key`")

    async def _bearer(self, bearer: str, subject: FileId | None) -> Principal:
        if len(bearer) > MAX_TOKEN or not bearer.isascii():
            raise TokenInvalid
        if bearer.startswith((WRITE, READ)):
            return await self._own_token(bearer, subject)
        if bearer.count(".") == 2:
            return await self._upload_token(bearer)
        found = await self._projects.by_secret(bearer)
        if found is None:
            raise Unauthenticated("The secret key is not known, or was revoked")
        project, key_id = found
        return Server(project=project, key_id=key_id)

    async def _own_token(self, token: str, subject: FileId | None) -> Principal:
        if subject is None:
            raise TokenInvalid("This token is for one upload only")
        async with self._db.reading() as tx:
            upload = await tx.uploads.get(subject)
        may_write = token.startswith(WRITE)
        expected = (upload.write_token_hash if may_write else upload.read_token_hash) if upload else ""
        if upload is None or not equal(expected, sha256_hex(token)):
            raise TokenInvalid("This token is not the one of this upload")
        return TokenHolder(
            project=await self._projects.by_id(upload.project_id), upload_id=subject, may_write=may_write
        )

    async def _upload_token(self, token: str) -> Principal:
        """Decision 7: HS256 with the SHA-256 digest of a secret key, `iss` the public key, `aud` longshore."""
        try:
            header = jwt.get_unverified_header(token)
            unverified: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
            # JSON can spell half a character, which no database takes.
            json.dumps(unverified, ensure_ascii=False).encode()
        except (jwt.InvalidTokenError, UnicodeEncodeError) as e:
            raise TokenInvalid("The token is not a JWT") from e
        issuer = unverified.get("iss")
        if header.get("alg") != "HS256" or not isinstance(issuer, str):
            raise TokenInvalid("The token must be signed with HS256 and name the public key as `iss`")
        project = await self._projects.by_public_key(issuer)
        if project is None:
            raise TokenInvalid("The token's `iss` is not a public key known here")
        claims: dict[str, Any] | None = None
        for key in await self._projects.secrets(project):
            claims = self._verified(token, key.secret)
            if claims is not None:
                break
        if claims is None:
            raise TokenInvalid("The token's signature does not hold")
        # What was signed, without the signature: base64 has several spellings of that, each a fresh token otherwise.
        return self._uploader(project, claims, sha256_hex(token.rpartition(".")[0]))

    def _verified(self, token: str, secret: str) -> dict[str, Any] | None:
        """The claims, None when this key did not sign them. Time is judged by our clock, not the library's."""
        try:
            return jwt.decode(
                token,
                jwt_key(secret),
                algorithms=["HS256"],
                audience=AUDIENCE,
                options={
                    "require": ["exp", "sub", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidSignatureError:
            return None
        except jwt.MissingRequiredClaimError as e:
            raise TokenInvalid(f"The token lacks the claim `{e.claim}`") from e
        except jwt.InvalidTokenError as e:
            raise TokenInvalid(f"The token is not valid: {e}") from e

    def _uploader(self, project: Project, claims: Mapping[str, Any], digest: str) -> Uploader:
        now = self._clock.now().timestamp()
        expires, begins = _number(claims, "exp"), _number(claims, "nbf")
        if expires is None or expires <= now:
            raise TokenExpired
        if begins is not None and begins > now:
            raise TokenInvalid("The token is not valid yet")
        limits = _mapping(claims, "limits")
        kinds = claims.get("kinds", claims.get("kind"))
        try:
            record = claims.get("record")
            return Uploader(
                project=project,
                uploader=check_label(str(claims["sub"])),
                group=check_label(str(claims["group"])) if claims.get("group") is not None else None,
                kinds=None if kinds is None else frozenset([kinds] if isinstance(kinds, str) else map(str, kinds)),
                record=None if record is None else str(parse_record(str(record))),
                max_size=_count(limits, "size"),
                max_files=_count(limits, "files"),
                token_id=digest,
                expires_at=datetime.fromtimestamp(min(expires, 253402300799), UTC),
            )
        except (BadLabel, TypeError) as e:
            raise TokenInvalid(f"A claim of the token is not valid: {e}") from e


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid(f"The token's `{name}` is not a number")
    try:
        number = float(value)
    except OverflowError as e:
        raise TokenInvalid(f"The token's `{name}` is not a number") from e
    if math.isnan(number):
        raise TokenInvalid(f"The token's `{name}` is not a number")
    return number


def _count(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TokenInvalid(f"The token's limit `{name}` is not a whole number")
    return min(value, MAX_SIZE)


def _mapping(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = claims.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TokenInvalid(f"The token's `{name}` is not an object")
    return value  # pyright: ignore[reportUnknownVariableType] -- JSON object: its keys are text
