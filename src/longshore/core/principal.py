"""Principals: who calls, and what that lets them do. Every grant is the narrowest that does the work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from longshore.core.errors import Forbidden, Unauthenticated
from longshore.core.ids import FileId, KeyId
from longshore.core.project import Project


class TokenExpired(Unauthenticated):
    code = "token-expired"
    title = "The token has expired"


class TokenInvalid(Unauthenticated):
    code = "token-invalid"
    title = "The token is not valid"


class TokenSpent(Forbidden):
    code = "token-spent"
    title = "The token has been used for as many files as it allows"


class GrantTooNarrow(Forbidden):
    code = "grant-too-narrow"
    title = "These credentials do not allow this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An application's server: holds a secret key, may do everything in its project."""

    project: Project
    key_id: KeyId

    @property
    def actor(self) -> str:
        return f"key:{self.key_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Holds the public key only: may do what the project lets everybody do."""

    project: Project

    @property
    def actor(self) -> str:
        return "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadClient:
    """Calls Uploadcare's Upload API: holds the public key and, where the project demands one, a signature. May say
    whether its file is kept, as that contract lets everybody. With a token of that contract, `max_files` is how many
    files the token is good for in all, if it says so."""

    project: Project
    token_id: str = ""
    max_files: int | None = None
    expires_at: datetime | None = None

    @property
    def actor(self) -> str:
        return "upload-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploader:
    """Holds an upload token that the application signed (decision 7). What is None is not restricted by the token."""

    project: Project
    uploader: str
    group: str | None = None
    kinds: frozenset[str] | None = None
    record: str | None = None
    max_size: int | None = None
    max_files: int | None = None
    token_id: str = ""
    expires_at: datetime | None = field(default=None)

    @property
    def actor(self) -> str:
        return f"uploader:{self.uploader}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolder:
    """Holds the write token or the read token of one upload."""

    project: Project
    upload_id: FileId
    may_write: bool

    @property
    def actor(self) -> str:
        return f"token:{'w' if self.may_write else 'r'}"


Principal = Server | Browser | UploadClient | Uploader | TokenHolder
