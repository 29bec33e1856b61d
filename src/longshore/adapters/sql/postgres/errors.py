"""psycopg's errors in our words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator
from datetime import timedelta

import psycopg

from longshore.adapters.sql.statement import Violated
from longshore.core.errors import StorageFull
from longshore.ports.database import DatabaseBusy, Unstorable

RETRY_AFTER = timedelta(seconds=1)

_DISK_FULL = "53100"
#: Classes of SQLSTATE after which trying again is sensible: connection, transaction state, rollback (deadlock,
#: serialization), resources, prerequisites (a lock was not to be had), intervention (timeout, shutdown), system.
_AWAY = frozenset({"08", "25", "40", "53", "55", "57", "58"})


def translated(error: psycopg.Error) -> Exception:
    """The Problem this is to the outside, or Violated, or the error itself when it is a bug or a damaged database."""
    code = error.sqlstate
    if code is None:
        # Said by the client: a connection that is lost or was never there, or a value that it cannot send.
        if isinstance(error, psycopg.DataError):
            return Unstorable()
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return DatabaseBusy("The database went away", retry_after=RETRY_AFTER)
        return error
    if code == _DISK_FULL:
        return StorageFull("There is no room left for the database", retry_after=RETRY_AFTER * 30)
    match code[:2]:
        case x if x in _AWAY:
            said = error.diag.message_primary or type(error).__name__
            return DatabaseBusy(f"The database did not do it: {said}", retry_after=RETRY_AFTER)
        case "23":
            return Violated(error.diag.message_primary or str(error))
        case "22":
            return Unstorable()
        case _:
            return error


@contextlib.contextmanager
def translation() -> Generator[None]:
    """Library errors become ours here and nowhere else; the cause is kept."""
    try:
        yield
    except psycopg.Error as e:
        problem = translated(e)
        if problem is e:
            raise
        raise problem from e


def reason(error: psycopg.Error) -> str:
    """Why a connection did not come about, in one line and without addresses."""
    lines = [line.strip(" -\t") for line in str(error).splitlines() if line.strip()]
    said = [match[1] for line in lines if (match := re.search(r"^.*failed: (?:FATAL: +)?(.+)$", line))]
    return (said or lines or [type(error).__name__])[0]
