"""Alembic's migrations. Additive first, cleaning in a later release: the previous release runs on the new schema."""
