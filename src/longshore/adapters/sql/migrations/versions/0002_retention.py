"""What old uploads are found by; PostgreSQL: tables whose rows change often are tidied more often."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ended = sa.text("state <> 'open'")
    op.create_index("ix_uploads_ended", "uploads", ["expires_at"], sqlite_where=ended, postgresql_where=ended)
    if op.get_bind().dialect.name == "postgresql":
        # Every job is changed twice at least. By default a fifth of a table may be dead before anybody cleans up.
        op.execute("ALTER TABLE jobs SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02)")
        op.execute("ALTER TABLE jobs SET (autovacuum_analyze_scale_factor = 0.02)")
        # One row a project, changed with every file: room beside it keeps the change on its page, out of the index.
        op.execute("ALTER TABLE file_totals SET (fillfactor = 20, autovacuum_vacuum_threshold = 1000)")
