"""Files as rows, and the counters that every change of them keeps right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import product
from typing import Any

from sqlalchemy import Select, bindparam, case, insert, select, update

from longshore.adapters.sql.filerows import FILE, Shelf, file_of, file_values, shelf_of
from longshore.adapters.sql.statement import Session, Statement, at_most, first, insert_for, limit_value, word
from longshore.adapters.sql.statement import set_from_values as from_values
from longshore.adapters.sql.tables import file_totals as totals
from longshore.adapters.sql.tables import files
from longshore.core.file import File, FileState, Totals
from longshore.core.ids import FileId, ProjectId
from longshore.core.time import from_micros, to_micros
from longshore.ports.database import FileQuery

_COUNTERS = tuple(shelf.value for shelf in Shelf)
_INSERT = Statement(insert(files))
_GET = Statement(select(*FILE).where(files.c.id == bindparam("id")))


def _count_in() -> Statement:
    """One more file in a project: moves its counter and finds the moment that is free, in one statement.

    The row serialises the adds of a project, so two of them cannot find the same moment (decision 21).
    """

    def build(dialect: Any) -> Any:
        put = insert_for(dialect, totals)
        taken = totals.c.last_uploaded_at >= put.excluded.last_uploaded_at
        return put.on_conflict_do_update(
            index_elements=[totals.c.project_id],
            set_={
                **{name: totals.c[name] + put.excluded[name] for name in _COUNTERS},
                "last_uploaded_at": case((taken, totals.c.last_uploaded_at + 1), else_=put.excluded.last_uploaded_at),
            },
        ).returning(totals.c.last_uploaded_at)

    return Statement(build)


_COUNT_IN = _count_in()
_MOVE = Statement(
    update(totals)
    .where(totals.c.project_id == bindparam("by_project_id"))
    .values({name: totals.c[name] + bindparam(f"more_{name}", type_=totals.c[name].type) for name in _COUNTERS})
)
_TOTALS = Statement(select(*(totals.c[name] for name in _COUNTERS)).where(totals.c.project_id == bindparam("id")))
_SHELF = Statement(
    select(files.c.project_id, files.c.shelf).where(
        files.c.id == bindparam("id"), files.c.version == bindparam("version")
    )
)
# What never changes stays out: the moment above all, which pages and counters rest on.
_SAVE = Statement(
    update(files)
    .where(files.c.id == bindparam("by_id"), files.c.version == bindparam("by_version"))
    .values(
        {**from_values(files, without=("id", "project_id", "uploaded_at", "version")), "version": files.c.version + 1}
    )
)
_EXPIRED = Statement(
    select(*FILE)
    .where(
        files.c.state == word(FileState.READY),
        files.c.expires_at.is_not(None),
        files.c.expires_at <= bindparam("now"),
    )
    .order_by(files.c.expires_at)
    .limit(limit_value())
)
_PURGEABLE = Statement(
    select(*FILE)
    .where(
        files.c.state.in_([word(s) for s in FileState if s not in (FileState.CHECKING, FileState.READY)]),
        files.c.purged_at.is_(None),
        files.c.purge_at.is_not(None),
        files.c.purge_at <= bindparam("now"),
    )
    .order_by(files.c.purge_at)
    .limit(limit_value())
)


def _select(shelf: Shelf | None, descending: bool, after: bool, before: bool) -> Select[Any]:
    at = files.c.uploaded_at
    # `<> 'removed'` leaves out refused files too (NULL), and is the condition of the index in its own words.
    where = files.c.shelf != word(Shelf.REMOVED) if shelf is None else files.c.shelf == word(shelf)
    query = select(*FILE).where(files.c.project_id == bindparam("project_id"), where)
    if after:
        query = query.where(at > bindparam("after"))
    if before:
        query = query.where(at < bindparam("before"))
    return query.order_by(at.desc() if descending else at).limit(limit_value()).offset(limit_value("offset"))


@cache
def _lists() -> dict[tuple[Shelf | None, bool, bool, bool], Statement]:
    flags = (False, True)
    return {key: Statement(_select(*key)) for key in product((None, *Shelf), flags, flags, flags)}


def _shelf_asked(query: FileQuery) -> Shelf | None:
    """None for both stored and unstored."""
    if query.removed:
        return Shelf.REMOVED
    if query.stored is None:
        return None
    return Shelf.STORED if query.stored else Shelf.UNSTORED


class SqlFiles:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, file: File) -> File:
        row = await first(
            self._session,
            _COUNT_IN,
            {
                "project_id": file.project_id,
                "last_uploaded_at": to_micros(file.uploaded_at),
                **_change(None, shelf_of(file)),
            },
        )
        assert row is not None
        file = replace(file, uploaded_at=from_micros(row[0]))
        await self._session.run(_INSERT, file_values(file))
        return file

    async def get(self, file_id: FileId) -> File | None:
        row = await first(self._session, _GET, {"id": str(file_id)})
        return file_of(row) if row else None

    async def save(self, file: File) -> bool:
        ident = str(file.id)
        found = await first(self._session, _SHELF, {"id": ident, "version": file.version})
        if found is None:
            return False
        values = {f"new_{name}": value for name, value in file_values(file).items()}
        # The shelf that was read belongs to this version, so it still holds where this statement changes a row.
        if await self._session.run(_SAVE, {**values, "by_id": ident, "by_version": file.version}) != 1:
            return False
        (project_id, former) = found
        change = _change(None if former is None else Shelf(former), shelf_of(file))
        if any(change.values()):
            more = {f"more_{name}": count for name, count in change.items()}
            await self._session.run(_MOVE, {**more, "by_project_id": project_id})
        return True

    async def list(self, query: FileQuery) -> Sequence[File]:
        if query.removed and query.stored:
            return []  # removal ends storage
        shelf, after, before = _shelf_asked(query), query.after, query.before
        values: dict[str, object] = {
            "project_id": query.project_id,
            "limit": at_most(query.limit),
            "offset": max(0, query.offset),
        }
        if after is not None:
            values["after"] = to_micros(after)
        if before is not None:
            values["before"] = to_micros(before)
        statement = _lists()[shelf, query.descending, after is not None, before is not None]
        return [file_of(row) for row in await self._session.rows(statement, values)]

    async def count(self, query: FileQuery) -> int:
        if query.removed and query.stored:
            return 0
        counted = await self.totals(query.project_id)
        match _shelf_asked(query):
            case Shelf.REMOVED:
                return counted.removed
            case Shelf.STORED:
                return counted.stored
            case Shelf.UNSTORED:
                return counted.unstored
            case None:
                return counted.stored + counted.unstored

    async def totals(self, project_id: ProjectId) -> Totals:
        row = await first(self._session, _TOTALS, {"id": project_id})
        counts = dict(zip(_COUNTERS, row or (0, 0, 0), strict=True))
        return Totals(removed=counts["removed"], stored=counts["stored"], unstored=counts["unstored"])

    async def expired(self, now: datetime, limit: int) -> Sequence[File]:
        rows = await self._session.rows(_EXPIRED, {"now": to_micros(now), "limit": at_most(limit)})
        return [file_of(row) for row in rows]

    async def purgeable(self, now: datetime, limit: int) -> Sequence[File]:
        rows = await self._session.rows(_PURGEABLE, {"now": to_micros(now), "limit": at_most(limit)})
        return [file_of(row) for row in rows]


def _change(former: Shelf | None, present: Shelf | None) -> dict[str, int]:
    """What each counter changes by."""
    return {shelf.value: (shelf is present) - (shelf is former) for shelf in Shelf}
