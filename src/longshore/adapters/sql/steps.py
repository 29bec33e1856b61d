"""The steps of a file's processing as rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select

from longshore.adapters.sql.statement import Row, Session, Statement, insert_for
from longshore.adapters.sql.tables import steps
from longshore.core.file import Step, StepName, StepState
from longshore.core.ids import FileId
from longshore.core.time import from_micros, to_micros

_PUT = Statement(
    lambda dialect: (put := insert_for(dialect, steps)).on_conflict_do_update(
        index_elements=[steps.c.file_id, steps.c.name],
        set_={c.name: put.excluded[c.name] for c in steps.columns if not c.primary_key},
    )
)
_OF_FILE = Statement(select(*steps.columns).where(steps.c.file_id == bindparam("file_id")).limit(len(StepName)))
_ORDER = {name: place for place, name in enumerate(StepName)}


def _step(row: Row) -> Step:
    (file_id, name, state, attempt, reason, updated_at) = row
    return Step(
        file_id=FileId(UUID(file_id)),
        name=StepName(name),
        state=StepState(state),
        attempt=attempt,
        reason=reason,
        updated_at=from_micros(updated_at),
    )


def _values(step: Step) -> dict[str, object]:
    return {
        "file_id": str(step.file_id),
        "name": step.name.value,
        "state": step.state.value,
        "attempt": step.attempt,
        "reason": step.reason,
        "updated_at": to_micros(step.updated_at),
    }


class SqlSteps:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def put(self, steps: Sequence[Step]) -> None:
        if steps:
            # In one order, so that two who put steps of one file at once wait for each other and not in a ring.
            ordered = sorted(steps, key=lambda step: (step.file_id, _ORDER[step.name]))
            await self._session.run_many(_PUT, [_values(step) for step in ordered])

    async def of(self, file_id: FileId) -> Sequence[Step]:
        found = [_step(row) for row in await self._session.rows(_OF_FILE, {"file_id": str(file_id)})]
        return sorted(found, key=lambda step: _ORDER[step.name])
