"""How PostgreSQL is reached and used, and the connection strings that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from longshore.core.errors import Invalid

CONNECT_S = 5
"""How long one attempt to connect may take."""


class BadDatabaseUrl(Invalid):
    """The address of the database is not one. (The sentence does not quote it: it may hold a password.)"""

    code = "database-url-invalid"
    title = "The database's URL is not valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """How PostgreSQL is used. Only `url` has to be given."""

    url: str = field(repr=False)
    """`postgresql://user:password@host:port/database?...`, or libpq's `host=... dbname=...`."""
    connections: int = 10
    """Connections for transactions and reads, opened when they are first needed; admissions have one more."""
    patience_s: float = 5.0
    """How long a transaction waits for a free connection before DatabaseBusy."""
    lock_timeout_s: float = 5.0
    """How long a statement waits for a row that another transaction has changed."""
    statement_timeout_s: float = 15.0
    """How long a statement may take."""
    idle_timeout_s: float = 60.0
    """How long a transaction may do nothing before the server ends it. Ours hold nothing slow inside."""
    migration_s: float = 60.0
    """How long a start waits for another process's migration."""
    queue_length: int = 2_000
    """How many transactions may wait for a connection."""
    batch_rows: int = 4_000
    """How many rows one transaction of admissions writes at most, unless a single admission has more."""
    queue_rows: int = 40_000
    """How many rows of admissions may wait."""

    @property
    def patience(self) -> timedelta:
        return timedelta(seconds=self.patience_s)


def parameters(url: str) -> Mapping[str, str]:
    """What the address says, by libpq's names. Raises BadDatabaseUrl."""
    try:
        found = conninfo_to_dict(url)
    except (ProgrammingError, ValueError) as e:
        # libpq's own message quotes what it could not read.
        raise BadDatabaseUrl("The database's URL cannot be read; it is postgresql://user:password@host/name") from e
    return {name: str(value) for name, value in found.items() if value is not None}


def place(url: str) -> str:
    """`host:port/database as user`, for people: without the password, and with libpq's own word for what is absent."""
    found = parameters(url)
    host = found.get("host") or found.get("hostaddr") or "the local socket"
    port = f":{found['port']}" if "port" in found else ""
    user = f" as {found['user']}" if "user" in found else ""
    return f"{host}{port}/{found.get('dbname', '')}{user}"


def conninfo(settings: PostgresSettings, **timeouts_s: float) -> str:
    """libpq's connection string with our limits under those that the address itself may give. Raises BadDatabaseUrl."""
    given = parameters(settings.url)
    limits = {
        "statement_timeout": settings.statement_timeout_s,
        "lock_timeout": settings.lock_timeout_s,
        "idle_in_transaction_session_timeout": settings.idle_timeout_s,
    } | timeouts_s
    # Every list has an index in its own order. Without statistics, as after a bulk load, the planner would rather sort
    # a whole project than take what it believes to be a hundred seeks on a turning disk (18 ms against 2 ms a page).
    options = " ".join(
        ["-c random_page_cost=1.1", *(f"-c {name}={round(seconds * 1000)}" for name, seconds in limits.items())]
    )
    ours = {
        "application_name": "longshore",
        "connect_timeout": str(CONNECT_S),
        # A host that vanished is noticed in half a minute, not in two hours.
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "20000",
    }
    return make_conninfo("", **{**ours, **given, "options": f"{options} {given.get('options', '')}".rstrip()})
