"""Jobs: rows that say what is to be done. The ledger is the truth; a broker only wakes somebody up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from longshore.core.errors import NotFound
from longshore.core.ids import JobId

LEASE = timedelta(seconds=60)


class JobNotFound(NotFound):
    code = "job-not-found"
    title = "There is no such job"


class JobKind(StrEnum):
    """What is done, in the words of the reference (`docs/reference/jobs.md`)."""

    INSPECT = "inspect"
    DERIVE = "derive"
    NOTIFY = "notify"
    DELIVER = "deliver"
    CLEAR = "clear"


class Queue(StrEnum):
    """Classes of work, so that slow work cannot hold up quick work."""

    INSPECT = "inspect"
    RENDER = "render"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPolicy:
    """`delays` between attempts, the last one repeating until `attempts` is used up; then the job is dead."""

    queue: Queue
    attempts: int
    delays: tuple[timedelta, ...]
    title: str

    def delay(self, attempt: int) -> timedelta:
        """How long to wait after the failed attempt number `attempt` (from 1)."""
        return self.delays[min(attempt, len(self.delays)) - 1]


def _seconds(*seconds: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=s) for s in seconds)


POLICIES: Mapping[JobKind, JobPolicy] = {
    JobKind.INSPECT: JobPolicy(
        queue=Queue.INSPECT,
        attempts=8,
        delays=_seconds(1, 4, 15, 60, 300, 900, 1800),
        title="Read a received file once: digests, type, scan, facts; publish, quarantine, reject or hold it",
    ),
    JobKind.DERIVE: JobPolicy(
        queue=Queue.RENDER, attempts=4, delays=_seconds(2, 20, 120), title="Make the preview of a published image"
    ),
    JobKind.NOTIFY: JobPolicy(
        queue=Queue.NOTIFY, attempts=6, delays=_seconds(1, 5, 30, 120, 600), title="Find the webhooks an event is for"
    ),
    JobKind.DELIVER: JobPolicy(
        queue=Queue.NOTIFY,
        attempts=20,
        delays=_seconds(5, 30, 120, 600, 1800, 3600, 7200, 14400, 18000),
        title="Deliver one event to one webhook, for up to 72 hours",
    ),
    JobKind.CLEAR: JobPolicy(
        queue=Queue.RENDER,
        attempts=8,
        delays=_seconds(1, 10, 60, 600),
        title="Drop the derived results of a removed file",
    ),
}


class JobState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`subject` is the id of what it is about; `payload` holds what else the handler needs. `attempt` is the number of
    attempts begun; `lease_until` is set while somebody works on it; `error` is the last failure, readable."""

    id: JobId
    kind: JobKind
    subject: str
    state: JobState
    due_at: datetime
    created_at: datetime
    attempt: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    error: str | None = None
    done_at: datetime | None = None
    payload: Mapping[str, str] = field(default_factory=dict[str, str])
