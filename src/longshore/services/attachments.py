"""Attachments: what a record shows now, and what it showed before."""

from __future__ import annotations

from collections.abc import Sequence

from longshore.core.attachment import AttachedFile, Attachment, VersionNotFound
from longshore.core.audit import AuditEntry
from longshore.core.file import File, FileRefused, FileState
from longshore.core.project import Project
from longshore.core.time import Clock
from longshore.core.upload import Record
from longshore.ports.database import Database


class Attachments:
    def __init__(self, *, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def of(self, project: Project, record: Record, kind: str) -> Sequence[AttachedFile]:
        """All positions with all versions, newest first; the current one of each position is marked."""
        async with self._db.reading() as tx:
            rows = await tx.attachments.of(project.id, record, kind)
        return _marked(rows)

    async def restore(
        self, project: Project, record: Record, kind: str, position: int, version: int, actor: str
    ) -> Sequence[AttachedFile]:
        """Make a former version current again, as a new version (decision 20). Raises VersionNotFound, FileRefused."""
        now = self._clock.now()
        async with self._db.transaction() as tx:
            rows = await tx.attachments.of(project.id, record, kind)
            former = next((row for row in rows if (row[0].position, row[0].version) == (position, version)), None)
            if former is None:
                raise VersionNotFound
            file = former[1]
            if file.state is FileState.REMOVED:
                raise VersionNotFound("The file of that version was removed")
            if file.state is not FileState.READY:
                raise FileRefused
            await tx.attachments.add(project.id, record, kind, position, file.id, now)
            await tx.audit.add(
                AuditEntry(
                    project_id=project.id,
                    at=now,
                    actor=actor,
                    action="attachment.restored",
                    subject=str(file.id),
                    detail={"record": str(record), "kind": kind},
                )
            )
            return _marked(await tx.attachments.of(project.id, record, kind))


def _marked(rows: Sequence[tuple[Attachment, File]]) -> Sequence[AttachedFile]:
    """Rows come by position, newest version first: the first ready one of each position is the current one."""
    shown: set[int] = set()
    marked: list[AttachedFile] = []
    for attachment, file in rows:
        current = file.state is FileState.READY and attachment.position not in shown
        if current:
            shown.add(attachment.position)
        marked.append(AttachedFile(attachment=attachment, file=file, current=current))
    return marked
