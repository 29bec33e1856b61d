"""Everything."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration is history: it repeats what `tables` said on its day instead of importing it.
UUID_TEXT = sa.String(length=36).with_variant(sa.UUID(as_uuid=False), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _where(condition: sa.TextClause) -> dict[str, Any]:
    return {"sqlite_where": condition, "postgresql_where": condition}


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", UUID_TEXT, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_done", "jobs", ["state", "done_at"], unique=False, **_where(sa.text("state = 'done'")))
    op.create_index("ix_jobs_due", "jobs", ["queue", "due_at"], unique=False, **_where(sa.text("state = 'waiting'")))
    op.create_index("ix_jobs_newest", "jobs", ["state", "created_at"], unique=False)
    op.create_table(
        "projects",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("autostore", sa.Boolean(), nullable=False),
        sa.Column("signed_uploads", sa.Boolean(), nullable=False),
        sa.Column("browser_uploads", sa.Boolean(), nullable=False),
        sa.Column("max_size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("name", name=op.f("uq_projects_name")),
        sa.UniqueConstraint("public_key", name=op.f("uq_projects_public_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "token_uses",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_token_uses")),
    )
    op.create_index("ix_token_uses_expired", "token_uses", ["expires_at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_audit_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_of_project", "audit", ["project_id", "id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", UUID_TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("file_id", UUID_TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_events_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_table(
        "file_totals",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("unstored", sa.BigInteger(), nullable=False),
        sa.Column("last_uploaded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_file_totals_project_id")),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_file_totals")),
    )
    op.create_table(
        "files",
        sa.Column("id", UUID_TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("declared_type", sa.Text(), nullable=False),
        sa.Column("detected_type", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=63), nullable=True),
        sa.Column("record_type", sa.String(length=127), nullable=True),
        sa.Column("record_id", sa.String(length=127), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("uploader", sa.String(length=127), nullable=True),
        sa.Column("uploader_group", sa.String(length=127), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("read_token_hash", sa.String(length=64), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.Column("ready_at", sa.BigInteger(), nullable=True),
        sa.Column("stored_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("purge_at", sa.BigInteger(), nullable=True),
        sa.Column("purged_at", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("md5", sa.String(length=32), nullable=True),
        sa.Column("crc32c", sa.String(length=8), nullable=True),
        sa.Column("scan", sa.String(length=16), nullable=True),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("shelf", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_files_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    op.create_index(
        "ix_files_expired",
        "files",
        ["expires_at"],
        unique=False,
        **_where(sa.text("state = 'ready' AND expires_at IS NOT NULL")),
    )
    op.create_index(
        "ix_files_listed", "files", ["project_id", "uploaded_at"], unique=False, **_where(sa.text("shelf <> 'removed'"))
    )
    op.create_index(
        "ix_files_purgeable",
        "files",
        ["purge_at"],
        unique=False,
        **_where(sa.text("purged_at IS NULL AND purge_at IS NOT NULL")),
    )
    op.create_index("ix_files_shelf", "files", ["project_id", "shelf", "uploaded_at"], unique=False)
    op.create_table(
        "keys",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_keys_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_keys_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_keys_of_project", "keys", ["project_id", "id"], unique=False)
    op.create_table(
        "kinds",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("accept", sa.Text(), nullable=False),
        sa.Column("sizes", sa.Text(), nullable=False),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("scan", sa.String(length=16), nullable=True),
        sa.Column("retention", sa.BigInteger(), nullable=True, comment="microseconds"),
        sa.Column("managed_by_file", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_kinds_project_id")),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_kinds")),
    )
    op.create_table(
        "repeats",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("uploads", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_repeats_project_id")),
        sa.PrimaryKeyConstraint("project_id", "key", name=op.f("pk_repeats")),
    )
    op.create_index("ix_repeats_old", "repeats", ["created_at"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", UUID_TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("declared_type", sa.Text(), nullable=False),
        sa.Column("size_min", sa.BigInteger(), nullable=False),
        sa.Column("size_max", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=63), nullable=True),
        sa.Column("record_type", sa.String(length=127), nullable=True),
        sa.Column("record_id", sa.String(length=127), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("uploader", sa.String(length=127), nullable=True),
        sa.Column("uploader_group", sa.String(length=127), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("store", sa.Boolean(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("write_token_hash", sa.String(length=64), nullable=False),
        sa.Column("read_token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_uploads_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index("ix_uploads_overdue", "uploads", ["expires_at"], unique=False, **_where(sa.text("state = 'open'")))
    op.create_table(
        "webhooks",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("target_url", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("signing_secret", sa.Text(), nullable=True),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_webhooks_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("project_id", "event", "target_url", name=op.f("uq_webhooks_project_id_event_target_url")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "attachments",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("record_type", sa.String(length=127), nullable=False),
        sa.Column("record_id", sa.String(length=127), nullable=False),
        sa.Column("kind", sa.String(length=63), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file_id", UUID_TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_attachments_file_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_attachments_project_id")),
        sa.PrimaryKeyConstraint(
            "project_id", "record_type", "record_id", "kind", "position", "version", name=op.f("pk_attachments")
        ),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", UUID_TEXT, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_of_webhook", "deliveries", ["webhook_id", "id"], unique=False)
    op.create_table(
        "steps",
        sa.Column("file_id", UUID_TEXT, nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_steps_file_id")),
        sa.PrimaryKeyConstraint("file_id", "name", name=op.f("pk_steps")),
    )
