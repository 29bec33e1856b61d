"""The audit trail: who was granted or did what, when, from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from longshore.core.ids import ProjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`actor` as principals spell it (`key:3`, `uploader:u-42`, `public`, `cli`), `action` dotted (`upload.requested`),
    `subject` the id it is about, `address` the caller's, when there was one. Never a secret in `detail`."""

    project_id: ProjectId
    at: datetime
    actor: str
    action: str
    subject: str
    address: str | None = None
    detail: Mapping[str, str] = field(default_factory=dict[str, str])
