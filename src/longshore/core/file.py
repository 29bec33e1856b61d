"""A file: what an upload became. Its content never changes; its state says whether anybody may have it.

checking --> ready --> removed      checking --> quarantined | rejected | held
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from longshore.core.digests import Digests
from longshore.core.errors import Conflict, Gone, NotFound
from longshore.core.ids import FileId, ProjectId
from longshore.core.kind import Visibility
from longshore.core.media import ImageFacts
from longshore.core.upload import Purpose

TEMPORARY_LIFETIME = timedelta(hours=24)
REMOVAL_GRACE = timedelta(hours=24)
"""Removed files can be revived by storing them, for this long; then their bytes go (decision 14)."""
QUARANTINE_LIFETIME = timedelta(days=4)


class FileNotFound(NotFound):
    code = "file-not-found"
    title = "There is no such file"


class FileNotReady(Conflict):
    code = "file-not-ready"
    title = "The file is still being checked"


class FileRefused(Gone):
    code = "file-refused"
    title = "The file did not pass its check"


class FileState(StrEnum):
    CHECKING = "checking"
    READY = "ready"
    REMOVED = "removed"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"
    HELD = "held"


REFUSED = frozenset({FileState.QUARANTINED, FileState.REJECTED, FileState.HELD})


class Scan(StrEnum):
    """What the scanner said. `UNSCANNED`: nobody looked, and the kind's policy let it pass."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNED = "unscanned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a file was quarantined, rejected or held: a problem code, a sentence, and the detail that APIs quote
    (`Eicar-Test-Signature`, the SVG rule that was broken)."""

    code: str
    sentence: str
    quoted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """`seal` is the random part of its storage key. `detected_type`, `digests`, `scan` and `image` are None until read.

    `declared_type` is what the client said. `expires_at`: removed then unless stored (temporary), or by the kind's
    retention. `purge_at`: when the bytes go after removal, or out of quarantine. `version` grows with every change of
    the row, for compare-and-set.
    """

    id: FileId
    project_id: ProjectId
    state: FileState
    name: str
    declared_type: str
    detected_type: str | None = None
    size: int
    seal: str
    purpose: Purpose
    visibility: Visibility
    read_token_hash: str
    uploaded_at: datetime
    ready_at: datetime | None = None
    stored_at: datetime | None = None
    removed_at: datetime | None = None
    expires_at: datetime | None = None
    purge_at: datetime | None = None
    purged_at: datetime | None = None
    digests: Digests | None = None
    scan: Scan | None = None
    image: ImageFacts | None = None
    refusal: Refusal | None = None
    version: int = 1

    @property
    def is_deliverable(self) -> bool:
        return self.state is FileState.READY

    def stored(self, now: datetime) -> File:
        """Kept for good; revived when it was removed and its bytes are still there: as ready only if it once passed
        its check, otherwise it has to be checked."""
        state = self.state
        if state is FileState.REMOVED:
            state = FileState.CHECKING if self.ready_at is None else FileState.READY
        return replace(
            self, state=state, stored_at=self.stored_at or now, removed_at=None, expires_at=None, purge_at=None
        )

    def removed(self, now: datetime) -> File:
        return replace(
            self,
            state=FileState.REMOVED,
            stored_at=None,
            removed_at=now,
            expires_at=None,
            purge_at=now + REMOVAL_GRACE,
        )


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    RETRYING = "retrying"
    FAILED = "failed"


class StepName(StrEnum):
    """The steps of processing, in order: one read (`digest` and `scan` side by side), facts, publication, preview."""

    DIGEST = "digest"
    SCAN = "scan"
    INSPECT = "inspect"
    PUBLISH = "publish"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a file's processing. `reason` is readable and public; `attempt` counts from 1."""

    file_id: FileId
    name: StepName
    state: StepState
    attempt: int = 1
    reason: str | None = None
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Files of a project that the REST API lists, by state."""

    removed: int
    stored: int
    unstored: int
