"""Alembic's entry: always on the connection that `migrate.upgrade` gives it."""

from __future__ import annotations

from alembic import context

from longshore.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes schemas in transactions like PostgreSQL; Alembic only assumes that it does not.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
