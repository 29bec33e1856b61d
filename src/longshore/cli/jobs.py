"""`longshore jobs`: the ledger, for the operator."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from longshore.cli.output import Config, Json, print_json, print_table, run, settings
from longshore.core.ids import JobId
from longshore.core.job import Job, JobNotFound, JobState
from longshore.core.time import to_wire
from longshore.wiring.foundation import foundation

jobs = typer.Typer(help="Background jobs.", no_args_is_help=True)


@jobs.command("list")
def list_jobs(
    state: Annotated[JobState | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    json: Json = False,
    config: Config = None,
) -> None:
    """The newest jobs, and how many there are of each state."""

    async def work() -> tuple[list[Job], dict[JobState, int]]:
        async with foundation(settings(config)) as base, base.db.reading() as tx:
            return list(await tx.jobs.list(state, limit)), await tx.jobs.count()

    found, counts = run(work)
    if json:
        print_json({"counts": counts, "jobs": [_described(job) for job in found]})
        return
    rows = [(job.id, job.kind.value, job.subject, job.state.value, job.attempt, job.error) for job in found]
    print_table(("id", "kind", "subject", "state", "attempt", "error"), rows)
    print("  ".join(f"{name.value}: {count}" for name, count in counts.items()))


@jobs.command("retry")
def retry(
    job: Annotated[UUID, typer.Argument(help="The job's id, as `jobs list` shows it.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Make a dead job due at once."""

    async def work() -> None:
        async with foundation(settings(config)) as base, base.db.transaction() as tx:
            if not await tx.jobs.revive(JobId(job)):
                raise JobNotFound(f"There is no dead job {job}")

    run(work)
    if json:
        print_json({"retried": str(job)})
    else:
        print(f"{job} is due now")


def _described(job: Job) -> dict[str, object]:
    return {
        "id": str(job.id),
        "kind": job.kind.value,
        "subject": job.subject,
        "state": job.state.value,
        "attempt": job.attempt,
        "due": to_wire(job.due_at),
        "error": job.error,
    }
