"""The ledger of jobs as rows.

Due jobs are found queue by queue, each from the beginning of the same index (queue, due_at), so that 100,000 waiting
jobs of one queue cost the others nothing. Every change compares the lease: who has lost it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    func,
    insert,
    null,
    or_,
    select,
    union_all,
    update,
)

from longshore.adapters.sql.statement import (
    DatabaseNow,
    Dialect,
    Row,
    Session,
    Statement,
    at_most,
    delete_oldest,
    first,
    limit_value,
    word,
)
from longshore.adapters.sql.tables import jobs
from longshore.adapters.sql.values import micros, moment, placeholders, words, words_json
from longshore.core.ids import JobId
from longshore.core.job import POLICIES, Job, JobKind, JobState, Queue
from longshore.core.time import MICROSECOND, from_micros, to_micros

_JOB = tuple(c for c in jobs.columns if c.name != "queue")
_WAITING = jobs.c.state == word(JobState.WAITING)
_FREE = or_(jobs.c.lease_until.is_(None), jobs.c.lease_until <= DatabaseNow())
_HELD = (
    jobs.c.id == bindparam("by_id"),
    jobs.c.lease_owner == bindparam("by_owner"),
    jobs.c.attempt == bindparam("by_attempt"),
    _WAITING,
)
_NO_LEASE = {"lease_owner": null(), "lease_until": null()}
_LEASE_END = DatabaseNow() + bindparam("lease", type_=BigInteger())

_INSERT = Statement(insert(jobs))
_GET = Statement(select(*_JOB).where(jobs.c.id == bindparam("id")))
_EXTEND = Statement(update(jobs).where(*_HELD).values(lease_until=_LEASE_END))
_COMPLETE = Statement(
    update(jobs)
    .where(*_HELD)
    .values(state=word(JobState.DONE), done_at=bindparam("at", type_=BigInteger()), error=null(), **_NO_LEASE)
)
_POSTPONE = Statement(
    update(jobs)
    .where(*_HELD)
    .values(
        due_at=bindparam("new_due_at", type_=BigInteger()),
        error=bindparam("new_error", type_=jobs.c.error.type),
        attempt=jobs.c.attempt - bindparam("forgiven", type_=jobs.c.attempt.type),
        **_NO_LEASE,
    )
)
_BURY = Statement(
    update(jobs)
    .where(*_HELD)
    .values(
        state=word(JobState.DEAD),
        done_at=bindparam("at", type_=BigInteger()),
        error=bindparam("new_error", type_=jobs.c.error.type),
        **_NO_LEASE,
    )
)
_REVIVE = Statement(
    update(jobs)
    .where(jobs.c.id == bindparam("by_id"), jobs.c.state == word(JobState.DEAD))
    .values(state=word(JobState.WAITING), due_at=DatabaseNow(), attempt=0, done_at=null(), **_NO_LEASE)
)
_RELEASE_ALL = Statement(update(jobs).where(_WAITING, jobs.c.lease_owner.is_not(None)).values(**_NO_LEASE))
_COUNT = Statement(select(jobs.c.state, func.count()).group_by(jobs.c.state))
_PRUNE = {
    JobState.DONE: delete_oldest(
        jobs, and_(jobs.c.state == word(JobState.DONE), jobs.c.done_at < bindparam("before")), jobs.c.done_at
    ),
    # Few, and no index of their own: they are found by when they were made, which was before they died.
    JobState.DEAD: delete_oldest(
        jobs,
        and_(
            jobs.c.state == word(JobState.DEAD),
            jobs.c.created_at < bindparam("before"),
            jobs.c.done_at < bindparam("before"),
        ),
        jobs.c.created_at,
    ),
}


def _of_each(arms: Sequence[Select[*tuple[Any, ...]]]) -> Select[Any]:
    """The rows of several queries, each with an order and a limit of its own."""
    derived = [select(arm.subquery(f"arm_{i}")) for i, arm in enumerate(arms)]
    return select((union_all(*derived) if len(derived) > 1 else derived[0]).subquery("each"))


@cache
def _claim(queues: int) -> Statement:
    """Claims from that number of queues. Each gives its earliest rows; of those the earliest are taken.

    SKIP LOCKED (which SQLite, with its one writer, does not need) keeps workers out of each other's way.
    """
    return Statement(lambda dialect: _claim_in(dialect, queues))


def _claim_in(dialect: Dialect, queues: int) -> Update:
    due = _of_each(
        [
            select(jobs.c.id, jobs.c.due_at)
            .where(_WAITING, jobs.c.queue == bindparam(f"queue_{i}"), jobs.c.due_at <= DatabaseNow(), _FREE)
            .order_by(jobs.c.due_at)
            .limit(limit_value())
            .with_for_update(skip_locked=True)
            for i in range(queues)
        ]
    ).subquery("due")
    taken = select(due.c.id).order_by(due.c.due_at).limit(limit_value())
    if dialect is Dialect.POSTGRESQL:
        # Chosen once: a plan that asked again for every row would step over what it had locked, and take more.
        taken = select(taken.cte("taken").prefix_with("MATERIALIZED").c.id)
    return (
        update(jobs)
        .where(jobs.c.id.in_(taken))
        .values(
            attempt=jobs.c.attempt + 1,
            lease_owner=bindparam("owner", type_=jobs.c.lease_owner.type),
            lease_until=_LEASE_END,
        )
        .returning(*_JOB)
    )


@cache
def _newest(states: tuple[JobState, ...]) -> Statement:
    arms = [
        select(*_JOB).where(jobs.c.state == word(state)).order_by(jobs.c.created_at.desc()).limit(limit_value())
        for state in states
    ]
    found = _of_each(arms)
    created_at: ColumnElement[Any] = found.selected_columns["created_at"]
    return Statement(found.order_by(created_at.desc()).limit(limit_value()))


@cache
def _next_due() -> Statement:
    arms = [
        select(jobs.c.due_at).where(_WAITING, jobs.c.queue == word(queue), _FREE).order_by(jobs.c.due_at).limit(1)
        for queue in Queue
    ]
    return Statement(_of_each(arms))


def _job(row: Row) -> Job:
    (ident, kind, subject, state, due_at, created_at, attempt, owner, until, error, done_at, payload) = row
    return Job(
        id=JobId(UUID(ident)),
        kind=JobKind(kind),
        subject=subject,
        state=JobState(state),
        due_at=from_micros(due_at),
        created_at=from_micros(created_at),
        attempt=attempt,
        lease_owner=owner,
        lease_until=moment(until),
        error=error,
        done_at=moment(done_at),
        payload=words(payload),
    )


def _values(job: Job) -> dict[str, object]:
    return {
        "id": str(job.id),
        "kind": job.kind.value,
        "queue": POLICIES[job.kind].queue.value,
        "subject": job.subject,
        "state": job.state.value,
        "due_at": to_micros(job.due_at),
        "created_at": to_micros(job.created_at),
        "attempt": job.attempt,
        "lease_owner": job.lease_owner,
        "lease_until": micros(job.lease_until),
        "error": job.error,
        "done_at": micros(job.done_at),
        "payload": words_json(job.payload),
    }


def _held(job: Job) -> dict[str, object]:
    return {"by_id": str(job.id), "by_owner": job.lease_owner, "by_attempt": job.attempt}


class SqlJobs:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, jobs: Sequence[Job]) -> None:
        if len(jobs) == 1:
            await self._session.run(_INSERT, _values(jobs[0]))
        elif jobs:
            await self._session.run_many(_INSERT, [_values(job) for job in jobs])

    async def get(self, job_id: JobId) -> Job | None:
        row = await first(self._session, _GET, {"id": str(job_id)})
        return _job(row) if row else None

    async def claim(self, owner: str, queues: Sequence[Queue], *, limit: int, lease: timedelta) -> Sequence[Job]:
        if not queues or limit <= 0:
            return []
        words = sorted({queue.value for queue in queues})
        values = {"owner": owner, "limit": at_most(limit), "lease": lease // MICROSECOND}
        rows = await self._session.rows(_claim(len(words)), values | placeholders("queue", words))
        return sorted((_job(row) for row in rows), key=lambda job: job.due_at)  # RETURNING promises no order

    async def extend(self, job: Job, lease: timedelta) -> bool:
        return await self._session.run(_EXTEND, _held(job) | {"lease": lease // MICROSECOND}) == 1

    async def complete(self, job: Job, at: datetime) -> bool:
        return await self._session.run(_COMPLETE, _held(job) | {"at": to_micros(at)}) == 1

    async def postpone(self, job: Job, *, due_at: datetime, error: str, count: bool = True) -> bool:
        values = {"new_due_at": to_micros(due_at), "new_error": error, "forgiven": 0 if count else 1}
        return await self._session.run(_POSTPONE, _held(job) | values) == 1

    async def bury(self, job: Job, *, error: str, at: datetime) -> bool:
        return await self._session.run(_BURY, _held(job) | {"new_error": error, "at": to_micros(at)}) == 1

    async def revive(self, job_id: JobId) -> bool:
        return await self._session.run(_REVIVE, {"by_id": str(job_id)}) == 1

    async def release_all(self) -> int:
        return await self._session.run(_RELEASE_ALL)

    async def list(self, state: JobState | None, limit: int) -> Sequence[Job]:
        states = tuple(JobState) if state is None else (state,)
        return [_job(row) for row in await self._session.rows(_newest(states), {"limit": at_most(limit)})]

    async def count(self) -> dict[JobState, int]:
        counted = {JobState(state): number for state, number in await self._session.rows(_COUNT)}
        return {state: counted.get(state, 0) for state in JobState}

    async def next_due(self) -> datetime | None:
        due = [row[0] for row in await self._session.rows(_next_due())]
        return from_micros(min(due)) if due else None

    async def prune(
        self, before: datetime, limit: int, *, state: Literal[JobState.DONE, JobState.DEAD] = JobState.DONE
    ) -> int:
        return await self._session.run(_PRUNE[state], {"before": to_micros(before), "limit": at_most(limit)})
