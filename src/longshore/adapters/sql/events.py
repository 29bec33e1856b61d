"""Events as rows, each with the jobs that follow from it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, insert, select

from longshore.adapters.sql.jobs import SqlJobs
from longshore.adapters.sql.statement import Session, Statement, at_most, delete_first, first
from longshore.adapters.sql.tables import events
from longshore.adapters.sql.values import words, words_json
from longshore.core.event import ROUTES, Event, EventKind
from longshore.core.ids import EventId, FileId, Ids, JobId, ProjectId
from longshore.core.job import Job, JobState
from longshore.core.time import from_micros, to_micros

_INSERT = Statement(insert(events))
_GET = Statement(select(*events.columns).where(events.c.id == bindparam("id")))
_PRUNE = delete_first(events, events.c.at < bindparam("before"))  # ids are UUIDv7


class SqlEvents:
    def __init__(self, session: Session, jobs: SqlJobs, ids: Ids) -> None:
        self._session = session
        self._jobs = jobs
        self._ids = ids

    async def add(self, event: Event) -> None:
        await self._session.run(
            _INSERT,
            {
                "id": str(event.id),
                "project_id": event.project_id,
                "kind": event.kind.value,
                "file_id": str(event.file_id),
                "at": to_micros(event.at),
                "detail": words_json(event.detail),
            },
        )
        await self._jobs.add(
            [
                Job(
                    id=JobId(self._ids.uuid7()),
                    kind=kind,
                    subject=str(event.file_id),
                    state=JobState.WAITING,
                    due_at=event.at,
                    created_at=event.at,
                    payload={"event": str(event.id)},
                )
                for kind in ROUTES[event.kind]
            ]
        )

    async def get(self, event_id: EventId) -> Event | None:
        row = await first(self._session, _GET, {"id": str(event_id)})
        if row is None:
            return None
        (ident, project_id, kind, file_id, at, detail) = row
        return Event(
            id=EventId(UUID(ident)),
            project_id=ProjectId(project_id),
            kind=EventKind(kind),
            file_id=FileId(UUID(file_id)),
            at=from_micros(at),
            detail=words(detail),
        )

    async def prune(self, before: datetime, limit: int) -> int:
        return await self._session.run(_PRUNE, {"before": to_micros(before), "limit": at_most(limit)})
