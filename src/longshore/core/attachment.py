"""Attachments: (record, kind, position) to file, with former files kept as versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from longshore.core.errors import NotFound
from longshore.core.file import File
from longshore.core.ids import FileId, ProjectId
from longshore.core.upload import Record


class VersionNotFound(NotFound):
    code = "version-not-found"
    title = "There is no such version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One version at one place. Versions count from 1 at each place, in the order of confirmation."""

    project_id: ProjectId
    record: Record
    kind: str
    position: int
    version: int
    file_id: FileId
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A version together with its file. `current` is true for the newest version whose file is ready: a file still in
    checking, or refused, never displaces the one people see."""

    attachment: Attachment
    file: File
    current: bool
