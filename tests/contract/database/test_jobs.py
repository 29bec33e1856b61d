"""The ledger, the events that fill it, and webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from longshore.core.event import ROUTES, EventKind
from longshore.core.ids import EventId, JobId, ProjectId, WebhookId
from longshore.core.job import POLICIES, Job, JobKind, JobState, Queue
from longshore.core.project import Project
from longshore.core.webhook import Delivery, WebhookEvent, WebhookExists
from longshore.ports.database import Database
from tests.contract.database.nouns import HOUR, MINUTE, NOON, SECOND, a_job, a_webhook, an_event, ids

ALL = list(Queue)
BRIEF = timedelta(milliseconds=1)


async def _add(database: Database, *jobs: Job) -> None:
    async with database.transaction() as tx:
        await tx.jobs.add(jobs)


async def _claim(
    database: Database, owner: str = "me", queues: Sequence[Queue] = ALL, *, limit: int = 10, lease: timedelta = MINUTE
) -> Sequence[Job]:
    async with database.transaction() as tx:
        return await tx.jobs.claim(owner, queues, limit=limit, lease=lease)


async def _get(database: Database, job: Job) -> Job:
    async with database.reading() as tx:
        found = await tx.jobs.get(job.id)
    assert found is not None
    return found


async def test_a_job_is_read_back_as_it_was(database: Database) -> None:
    full = a_job(
        state=JobState.DEAD, attempt=3, lease_owner="o", lease_until=NOON, error="e\nf", done_at=NOON, payload={}
    )
    await _add(database, full, job := a_job())

    assert await _get(database, full) == full
    assert await _get(database, job) == job
    async with database.reading() as tx:
        assert await tx.jobs.get(JobId(ids.uuid7())) is None


async def test_due_jobs_are_claimed_oldest_due_first(database: Database) -> None:
    late, early, middle = (a_job(due_at=NOON + n * SECOND) for n in (3, 1, 2))
    other = a_job(kind=JobKind.NOTIFY, due_at=NOON)
    future = a_job(due_at=datetime.now(UTC) + HOUR)
    await _add(database, late, early, middle, other, future, a_job(state=JobState.DEAD), a_job(state=JobState.DONE))

    first = await _claim(database, "me", [Queue.INSPECT], limit=2)
    rest = await _claim(database)

    assert [job.id for job in first] == [early.id, middle.id]
    assert [job.id for job in rest] == [other.id, late.id]
    (claimed, _) = first
    assert claimed.lease_until is not None
    assert timedelta(0) < claimed.lease_until - datetime.now(UTC) <= MINUTE
    assert claimed == replace(early, attempt=1, lease_owner="me", lease_until=claimed.lease_until)
    assert await _get(database, early) == claimed
    assert await _claim(database) == []


@pytest.mark.parametrize(("queues", "limit"), [([], 10), (ALL, 0)])
async def test_who_asks_for_nothing_gets_nothing(database: Database, queues: list[Queue], limit: int) -> None:
    await _add(database, a_job())

    assert list(await _claim(database, queues=queues, limit=limit)) == []


async def test_two_workers_never_hold_one_job(database: Database) -> None:
    await _add(database, *(a_job() for _ in range(40)))

    claims = await asyncio.gather(*(_claim(database, f"w{n}", limit=3) for n in range(20)))

    claimed = [job.id for claim in claims for job in claim]
    assert len(claimed) == len(set(claimed)) == 40


async def test_a_lease_that_ran_out_is_claimed_by_the_next(database: Database) -> None:
    await _add(database, a_job())
    (mine,) = await _claim(database, "first", lease=BRIEF)
    await asyncio.sleep(0.005)
    (theirs,) = await _claim(database, "second")

    assert (theirs.attempt, theirs.lease_owner) == (2, "second")
    async with database.transaction() as tx:
        assert not await tx.jobs.extend(mine, MINUTE)
        assert not await tx.jobs.complete(mine, NOON)
        assert not await tx.jobs.postpone(mine, due_at=NOON, error="e")
        assert not await tx.jobs.bury(mine, error="e", at=NOON)
    assert await _get(database, theirs) == theirs


async def test_released_jobs_are_claimed_at_once_by_the_next(database: Database) -> None:
    await _add(database, a_job())
    await _claim(database, "killed")

    async with database.transaction() as tx:
        assert await tx.jobs.release_all() == 1
    assert [one.attempt for one in await _claim(database, "next")] == [2]


async def test_who_claims_again_has_lost_the_former_lease(database: Database) -> None:
    """The owner is the same, the attempt is not."""
    await _add(database, a_job())
    (former,) = await _claim(database, lease=BRIEF)
    await asyncio.sleep(0.005)
    (present,) = await _claim(database)

    async with database.transaction() as tx:
        assert not await tx.jobs.complete(former, NOON)
        assert await tx.jobs.complete(present, NOON)


async def test_an_extended_lease_is_not_claimed(database: Database) -> None:
    await _add(database, a_job())
    (job,) = await _claim(database, lease=BRIEF)
    async with database.transaction() as tx:
        assert await tx.jobs.extend(job, MINUTE)
    await asyncio.sleep(0.005)

    assert await _claim(database) == []
    until = (await _get(database, job)).lease_until
    assert until is not None
    assert until > datetime.now(UTC) + MINUTE / 2


async def test_a_completed_job_is_done_once(database: Database) -> None:
    await _add(database, a_job(error="an earlier failure"))
    (job,) = await _claim(database)
    async with database.transaction() as tx:
        assert await tx.jobs.complete(job, NOON)
        assert not await tx.jobs.complete(job, NOON)

    done = replace(job, state=JobState.DONE, done_at=NOON, lease_owner=None, lease_until=None, error=None)
    assert await _get(database, job) == done
    assert await _claim(database) == []


@pytest.mark.parametrize(("count", "attempt"), [(True, 1), (False, 0)])
async def test_a_postponed_job_comes_back_at_its_time(database: Database, count: bool, attempt: int) -> None:
    await _add(database, a_job())
    (job,) = await _claim(database)
    due_at = datetime.now(UTC) + HOUR
    async with database.transaction() as tx:
        assert await tx.jobs.postpone(job, due_at=due_at, error="later", count=count)

    free = replace(job, due_at=due_at, error="later", attempt=attempt, lease_owner=None, lease_until=None)
    assert await _get(database, job) == free
    assert await _claim(database) == []


async def test_a_buried_job_rests_until_it_is_revived(database: Database) -> None:
    await _add(database, a_job())
    (job,) = await _claim(database)
    async with database.transaction() as tx:
        assert await tx.jobs.bury(job, error="hopeless", at=NOON)
    dead = replace(job, state=JobState.DEAD, error="hopeless", done_at=NOON, lease_owner=None, lease_until=None)
    assert await _get(database, job) == dead
    assert await _claim(database) == []

    async with database.transaction() as tx:
        assert await tx.jobs.revive(job.id)
        assert not await tx.jobs.revive(job.id)
    (revived,) = await _claim(database)
    assert (revived.id, revived.attempt, revived.done_at) == (job.id, 1, None)


async def test_jobs_are_listed_newest_first_and_counted(database: Database) -> None:
    old = a_job(created_at=NOON, state=JobState.DONE)
    middle = a_job(created_at=NOON + SECOND)
    new = a_job(created_at=NOON + MINUTE, state=JobState.DONE)
    await _add(database, middle, new, old)

    async with database.reading() as tx:
        assert list(await tx.jobs.list(None, 10)) == [new, middle, old]
        assert list(await tx.jobs.list(None, 2)) == [new, middle]
        assert list(await tx.jobs.list(JobState.DONE, 10)) == [new, old]
        assert list(await tx.jobs.list(JobState.DEAD, 10)) == []
        assert await tx.jobs.count() == {JobState.WAITING: 1, JobState.DONE: 2, JobState.DEAD: 0}


async def test_the_next_due_job_is_the_earliest_that_nobody_holds(database: Database) -> None:
    async with database.reading() as tx:
        assert await tx.jobs.next_due() is None
    soon = datetime.now(UTC) + HOUR
    await _add(
        database,
        a_job(),
        a_job(kind=JobKind.NOTIFY, due_at=soon),
        a_job(kind=JobKind.DERIVE, due_at=soon + SECOND),
        a_job(state=JobState.DEAD),
    )
    async with database.reading() as tx:
        assert await tx.jobs.next_due() == NOON
    await _claim(database)

    async with database.reading() as tx:
        assert await tx.jobs.next_due() == soon


async def test_done_jobs_are_forgotten_in_portions(database: Database) -> None:
    kept = [a_job(), a_job(state=JobState.DEAD, done_at=NOON), a_job(state=JobState.DONE, done_at=NOON + HOUR)]
    await _add(database, *kept, *(a_job(state=JobState.DONE, done_at=NOON) for _ in range(3)))

    async with database.transaction() as tx:
        assert [await tx.jobs.prune(NOON + HOUR, 2) for _ in range(3)] == [2, 1, 0]
        assert {job.id for job in await tx.jobs.list(None, 10)} == {job.id for job in kept}


async def test_dead_jobs_are_forgotten_when_they_died_long_ago(database: Database) -> None:
    kept = [
        a_job(),
        a_job(state=JobState.DONE, done_at=NOON),
        a_job(state=JobState.DEAD, done_at=NOON + HOUR),
    ]
    await _add(database, *kept, *(a_job(state=JobState.DEAD, done_at=NOON) for _ in range(3)))

    async with database.transaction() as tx:
        assert [await tx.jobs.prune(NOON + SECOND, 2, state=JobState.DEAD) for _ in range(3)] == [2, 1, 0]
        assert {job.id for job in await tx.jobs.list(None, 10)} == {job.id for job in kept}


async def test_events_and_deliveries_are_forgotten_oldest_first(database: Database, project: Project) -> None:
    events = [an_event(project, at=NOON + n * SECOND) for n in range(4)]
    async with database.transaction() as tx:
        hook = await tx.webhooks.add(a_webhook(project))
        for event in events:
            await tx.events.add(event)
            await tx.webhooks.log(
                Delivery(webhook_id=hook.id, event_id=event.id, attempt=1, at=event.at, status=200, error=None)
            )

    async with database.transaction() as tx:
        assert sum([await tx.events.prune(NOON + 3 * SECOND, 3) for _ in range(4)]) == 3
        assert [await tx.webhooks.prune(NOON + 3 * SECOND, 2) for _ in range(3)] == [2, 1, 0]
        assert [await tx.events.get(event.id) is None for event in events] == [True, True, True, False]
        assert [delivery.event_id for delivery in await tx.webhooks.deliveries(hook.id, 10)] == [events[3].id]


@pytest.mark.parametrize("kind", list(EventKind))
async def test_an_event_brings_the_jobs_of_its_route(database: Database, project: Project, kind: EventKind) -> None:
    event = an_event(project, kind=kind)
    async with database.transaction() as tx:
        await tx.events.add(event)

    async with database.reading() as tx:
        assert await tx.events.get(event.id) == event
        assert await tx.events.get(EventId(ids.uuid7())) is None
        jobs = await tx.jobs.list(JobState.WAITING, 10)
    assert {job.kind for job in jobs} == set(ROUTES[kind])
    assert all((job.subject, job.payload) == (str(event.file_id), {"event": str(event.id)}) for job in jobs)
    assert {job.id for job in await _claim(database)} == {job.id for job in jobs}


@pytest.mark.parametrize("kind", list(JobKind))
async def test_a_job_waits_in_the_queue_of_its_policy(database: Database, kind: JobKind) -> None:
    job = a_job(kind=kind)
    await _add(database, job)
    queue = POLICIES[kind].queue

    assert list(await _claim(database, queues=[other for other in Queue if other is not queue])) == []
    assert [found.id for found in await _claim(database, queues=[queue])] == [job.id]


async def test_webhooks_are_found_for_their_event(database: Database, project: Project) -> None:
    async with database.transaction() as tx:
        first = await tx.webhooks.add(a_webhook(project))
        second = await tx.webhooks.add(a_webhook(project, target_url="https://b.example", signing_secret=None))
        silent = await tx.webhooks.add(a_webhook(project, target_url="https://c.example", is_active=False))
        other = await tx.webhooks.add(a_webhook(project, event=WebhookEvent.FILE_DELETED))

    async with database.reading() as tx:
        assert await tx.webhooks.get(first.id) == first == replace(a_webhook(project), id=first.id)
        assert await tx.webhooks.get(WebhookId(99)) is None
        assert list(await tx.webhooks.of(project.id)) == [other, silent, second, first]
        assert list(await tx.webhooks.for_event(project.id, WebhookEvent.FILE_UPLOADED)) == [first, second]
        assert list(await tx.webhooks.for_event(ProjectId(99), WebhookEvent.FILE_UPLOADED)) == []


async def test_the_same_subscription_twice_is_refused(database: Database, project: Project) -> None:
    async with database.transaction() as tx:
        first = await tx.webhooks.add(a_webhook(project))
        other = await tx.webhooks.add(a_webhook(project, target_url="https://other.example"))
        with pytest.raises(WebhookExists):
            await tx.webhooks.add(a_webhook(project))
        saved = replace(first, is_active=False, signing_secret="new", updated_at=NOON + HOUR)
        assert await tx.webhooks.save(saved)
        assert not await tx.webhooks.save(replace(first, id=WebhookId(99), target_url="https://x.example"))
        assert await tx.webhooks.get(first.id) == saved
    with pytest.raises(WebhookExists):
        async with database.transaction() as tx:
            await tx.webhooks.save(replace(other, target_url=first.target_url))


async def test_deliveries_are_logged_and_go_with_their_webhook(database: Database, project: Project) -> None:
    async with database.transaction() as tx:
        hook = await tx.webhooks.add(a_webhook(project))
        event = EventId(ids.uuid7())
        failed = Delivery(webhook_id=hook.id, event_id=event, attempt=1, at=NOON, status=None, error="refused")
        told = Delivery(webhook_id=hook.id, event_id=event, attempt=2, at=NOON + SECOND, status=200, error=None)
        await tx.webhooks.log(failed)
        await tx.webhooks.log(told)

    async with database.transaction() as tx:
        assert list(await tx.webhooks.deliveries(hook.id, 10)) == [told, failed]
        assert list(await tx.webhooks.deliveries(hook.id, 1)) == [told]
        assert not await tx.webhooks.delete(ProjectId(99), hook.id)
        assert await tx.webhooks.delete(project.id, hook.id)
        assert not await tx.webhooks.delete(project.id, hook.id)
        await tx.webhooks.log(told)  # it was under way when the webhook went
        assert list(await tx.webhooks.deliveries(hook.id, 10)) == []
