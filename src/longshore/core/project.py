"""A project: a tenant with its keys and settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from longshore.core.errors import Conflict, Invalid, NotFound
from longshore.core.ids import KeyId, ProjectId
from longshore.core.sizes import MAX_SIZE

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class ProjectNotFound(NotFound):
    code = "project-not-found"
    title = "There is no such project"


class ProjectExists(Conflict):
    code = "project-exists"
    title = "There is a project of that name already"


class BadProjectName(Invalid):
    code = "bad-project-name"
    title = "A project's name is 1 to 63 of a-z, 0-9 and -, and begins with a letter or digit"


class KeyNotFound(NotFound):
    code = "key-not-found"
    title = "There is no such key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """`max_size` is in bytes. `signed_uploads`: the Upload API demands a signature. `browser_uploads`: the public key
    alone may request native uploads. `autostore`: files without an order to the contrary are kept for good."""

    id: ProjectId
    name: str
    public_key: str
    created_at: datetime
    autostore: bool = True
    signed_uploads: bool = False
    browser_uploads: bool = True
    max_size: int = MAX_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """`secret` in the clear; it is stored encrypted, beside the SHA-256 that finds it. `hint` is safe to show."""

    id: KeyId
    project_id: ProjectId
    secret: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None


def check_project_name(name: str) -> str:
    """The name itself. Raises BadProjectName."""
    if not _NAME.fullmatch(name):
        raise BadProjectName
    return name
