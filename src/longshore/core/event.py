"""Events: rows that say what happened, written in the transaction of the change; and which jobs follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from longshore.core.ids import EventId, FileId, ProjectId
from longshore.core.job import JobKind


class EventKind(StrEnum):
    FILE_RECEIVED = "file.received"
    FILE_READY = "file.ready"
    FILE_INFECTED = "file.infected"
    FILE_REJECTED = "file.rejected"
    FILE_HELD = "file.held"
    FILE_STORED = "file.stored"
    FILE_DELETED = "file.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    id: EventId
    project_id: ProjectId
    kind: EventKind
    file_id: FileId
    at: datetime
    detail: Mapping[str, str] = field(default_factory=dict[str, str])


#: The jobs that each event asks for. One table, so that nobody has to look for consequences.
ROUTES: Mapping[EventKind, tuple[JobKind, ...]] = {
    EventKind.FILE_RECEIVED: (JobKind.INSPECT,),
    EventKind.FILE_READY: (JobKind.DERIVE, JobKind.NOTIFY),
    EventKind.FILE_INFECTED: (JobKind.NOTIFY,),
    EventKind.FILE_REJECTED: (),
    EventKind.FILE_HELD: (),
    EventKind.FILE_STORED: (),
    EventKind.FILE_DELETED: (JobKind.CLEAR, JobKind.NOTIFY),
}
