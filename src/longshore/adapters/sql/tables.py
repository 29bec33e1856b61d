"""Every table, and every index with the query it is for.

Spelling, the same in both dialects: moments are microseconds since the epoch (BIGINT: exact, quick to turn into a
`datetime`, no zones), sizes are BIGINT, JSON is TEXT (nobody queries inside it), closed sets are their words. UUIDs are
the canonical 36 characters in SQLite, readable in any shell, and native (16 bytes) in PostgreSQL; both are read and
written as text. Conditions of partial indexes are written with the words themselves: planners cannot match a parameter.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.expression import ColumnElement, text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

UUID_TEXT = String(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")
MOMENT = BigInteger
WORD = String(16)
#: SQLite numbers rows by itself only where the type is exactly INTEGER.
SERIAL = BigInteger().with_variant(Integer, "sqlite")


def partial(name: str, *columns: str | ColumnElement[Any], where: str) -> Index:
    """An index of the rows for which `where` (the same words in both dialects) holds."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def _project(*, primary_key: bool = False) -> Column[Any]:
    return Column("project_id", BigInteger, ForeignKey("projects.id"), primary_key=primary_key, nullable=False)


projects = Table(
    "projects",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("public_key", String(64), nullable=False, unique=True),
    Column("created_at", MOMENT, nullable=False),
    Column("autostore", Boolean, nullable=False),
    Column("signed_uploads", Boolean, nullable=False),
    Column("browser_uploads", Boolean, nullable=False),
    Column("max_size", BigInteger, nullable=False),
    sqlite_autoincrement=True,  # a number that was given out is never given to somebody else
)

keys = Table(
    "keys",
    metadata,
    Column("id", SERIAL, primary_key=True),
    _project(),
    Column("sealed", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("hint", String(64), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("revoked_at", MOMENT),
    Index("ix_keys_of_project", "project_id", "id"),
    sqlite_autoincrement=True,
)

kinds = Table(
    "kinds",
    metadata,
    _project(primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("accept", Text, nullable=False),
    Column("sizes", Text, nullable=False),
    Column("visibility", WORD, nullable=False),
    Column("scan", WORD),
    Column("retention", BigInteger, comment="microseconds"),
    Column("managed_by_file", Boolean, nullable=False),
)


def _purpose() -> list[Column[Any]]:
    """What an upload and its file share (`core.upload.Purpose`)."""
    return [
        Column("kind", String(63)),
        Column("record_type", String(127)),
        Column("record_id", String(127)),
        Column("position", Integer, nullable=False),
        Column("uploader", String(127)),
        Column("uploader_group", String(127)),
        Column("metadata", Text, nullable=False),
    ]


uploads = Table(
    "uploads",
    metadata,
    Column("id", UUID_TEXT, primary_key=True),
    _project(),
    Column("state", WORD, nullable=False),
    Column("name", Text, nullable=False),
    Column("declared_type", Text, nullable=False),
    Column("size_min", BigInteger, nullable=False),
    Column("size_max", BigInteger, nullable=False),
    *_purpose(),
    Column("store", Boolean),
    Column("source", String(64), nullable=False),
    Column("seal", String(64), nullable=False),
    Column("write_token_hash", String(64), nullable=False),
    Column("read_token_hash", String(64), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("confirmed_at", MOMENT),
    partial("ix_uploads_overdue", "expires_at", where="state = 'open'"),
    partial("ix_uploads_ended", "expires_at", where="state <> 'open'"),
)

files = Table(
    "files",
    metadata,
    Column("id", UUID_TEXT, primary_key=True),
    _project(),
    Column("state", WORD, nullable=False),
    Column("name", Text, nullable=False),
    Column("declared_type", Text, nullable=False),
    Column("detected_type", Text),
    Column("size", BigInteger, nullable=False),
    Column("seal", String(64), nullable=False),
    *_purpose(),
    Column("visibility", WORD, nullable=False),
    Column("read_token_hash", String(64), nullable=False),
    Column("uploaded_at", MOMENT, nullable=False),
    Column("ready_at", MOMENT),
    Column("stored_at", MOMENT),
    Column("removed_at", MOMENT),
    Column("expires_at", MOMENT),
    Column("purge_at", MOMENT),
    Column("purged_at", MOMENT),
    Column("sha256", String(64)),
    Column("md5", String(32)),
    Column("crc32c", String(8)),
    Column("scan", WORD),
    Column("image", Text),
    Column("refusal", Text),
    Column("version", Integer, nullable=False),
    # Which counter of `file_totals` it is in: stored, unstored or removed; NULL for a refused one.
    Column("shelf", WORD),
    Index("ix_files_shelf", "project_id", "shelf", "uploaded_at"),  # lists of stored, unstored or removed ones
    partial("ix_files_listed", "project_id", "uploaded_at", where="shelf <> 'removed'"),  # lists of both
    partial("ix_files_expired", "expires_at", where="state = 'ready' AND expires_at IS NOT NULL"),
    partial("ix_files_purgeable", "purge_at", where="purged_at IS NULL AND purge_at IS NOT NULL"),
)

file_totals = Table(
    "file_totals",
    metadata,
    _project(primary_key=True),
    Column("removed", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("unstored", BigInteger, nullable=False),
    Column("last_uploaded_at", MOMENT, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("file_id", UUID_TEXT, ForeignKey("files.id"), primary_key=True),
    Column("name", WORD, primary_key=True),
    Column("state", WORD, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", Text),
    Column("updated_at", MOMENT, nullable=False),
)

attachments = Table(
    "attachments",
    metadata,
    _project(primary_key=True),
    Column("record_type", String(127), primary_key=True),
    Column("record_id", String(127), primary_key=True),
    Column("kind", String(63), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("file_id", UUID_TEXT, ForeignKey("files.id"), nullable=False),
    Column("created_at", MOMENT, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", UUID_TEXT, primary_key=True),
    _project(),
    Column("kind", String(32), nullable=False),
    Column("file_id", UUID_TEXT, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("detail", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", UUID_TEXT, primary_key=True),
    Column("kind", WORD, nullable=False),
    Column("queue", WORD, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", WORD, nullable=False),
    Column("due_at", MOMENT, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", MOMENT),
    Column("error", Text),
    Column("done_at", MOMENT),
    Column("payload", Text, nullable=False),
    # Leased rows stay in it: they are few, and claiming steps over them.
    partial("ix_jobs_due", "queue", "due_at", where="state = 'waiting'"),
    Index("ix_jobs_newest", "state", "created_at"),
    partial("ix_jobs_done", "state", "done_at", where="state = 'done'"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", SERIAL, primary_key=True),
    _project(),
    Column("event", String(32), nullable=False),
    Column("target_url", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("signing_secret", Text),
    Column("version", String(16), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    UniqueConstraint("project_id", "event", "target_url"),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("webhook_id", BigInteger, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", UUID_TEXT, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Index("ix_deliveries_of_webhook", "webhook_id", "id"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", SERIAL, primary_key=True),
    _project(),
    Column("at", MOMENT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("address", Text),
    Column("detail", Text, nullable=False),
    Index("ix_audit_of_project", "project_id", "id"),
)

repeats = Table(
    "repeats",
    metadata,
    _project(primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("uploads", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Index("ix_repeats_old", "created_at"),
)

token_uses = Table(
    "token_uses",
    metadata,
    Column("token_id", Text, primary_key=True),
    Column("used", BigInteger, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Index("ix_token_uses_expired", "expires_at"),
)
