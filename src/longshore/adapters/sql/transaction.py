"""One transaction's view: the repositories over one session, made when they are asked for."""

from __future__ import annotations

from longshore.adapters.sql.attachments import SqlAttachments
from longshore.adapters.sql.audit import SqlAudit
from longshore.adapters.sql.events import SqlEvents
from longshore.adapters.sql.files import SqlFiles
from longshore.adapters.sql.jobs import SqlJobs
from longshore.adapters.sql.keys import SqlKeys
from longshore.adapters.sql.kinds import SqlKinds
from longshore.adapters.sql.projects import SqlProjects
from longshore.adapters.sql.repeats import SqlRepeats
from longshore.adapters.sql.statement import Session
from longshore.adapters.sql.steps import SqlSteps
from longshore.adapters.sql.tokens import SqlTokenUses
from longshore.adapters.sql.uploads import SqlUploads
from longshore.adapters.sql.webhooks import SqlWebhooks
from longshore.core.ids import Ids


class SqlTransaction:
    """`ports.database.Transaction` over any session."""

    __slots__ = ("_ids", "_session")

    def __init__(self, session: Session, ids: Ids) -> None:
        self._session = session
        self._ids = ids

    @property
    def projects(self) -> SqlProjects:
        return SqlProjects(self._session)

    @property
    def keys(self) -> SqlKeys:
        return SqlKeys(self._session)

    @property
    def kinds(self) -> SqlKinds:
        return SqlKinds(self._session)

    @property
    def uploads(self) -> SqlUploads:
        return SqlUploads(self._session)

    @property
    def files(self) -> SqlFiles:
        return SqlFiles(self._session)

    @property
    def steps(self) -> SqlSteps:
        return SqlSteps(self._session)

    @property
    def attachments(self) -> SqlAttachments:
        return SqlAttachments(self._session)

    @property
    def events(self) -> SqlEvents:
        return SqlEvents(self._session, self.jobs, self._ids)

    @property
    def jobs(self) -> SqlJobs:
        return SqlJobs(self._session)

    @property
    def webhooks(self) -> SqlWebhooks:
        return SqlWebhooks(self._session)

    @property
    def audit(self) -> SqlAudit:
        return SqlAudit(self._session)

    @property
    def repeats(self) -> SqlRepeats:
        return SqlRepeats(self._session)

    @property
    def token_uses(self) -> SqlTokenUses:
        return SqlTokenUses(self._session)
