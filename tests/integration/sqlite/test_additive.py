"""The release before a migration runs on the schema after it, because every migration only adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from longshore.adapters.sql.migrate import REVISIONS, upgrade
from tests.integration.additive import breakages, schema_of


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


@pytest.mark.parametrize(("former", "revision"), list(pairwise(REVISIONS)))
def test_every_migration_only_adds(connection: sa.Connection, former: str, revision: str) -> None:
    upgrade(connection, former)
    before = schema_of(connection)
    upgrade(connection, revision)

    assert list(breakages(before, schema_of(connection))) == []


Change = Callable[[Operations], object]
FINE: dict[str, Change] = {
    "a column that may be NULL": lambda op: op.add_column("files", sa.Column("new", sa.Text())),
    "a column with a default": lambda op: op.add_column(
        "files", sa.Column("new", sa.Integer(), nullable=False, server_default="0")
    ),
    "a table": lambda op: op.create_table("new", sa.Column("id", sa.Integer(), primary_key=True)),
    "an index": lambda op: op.create_index("ix_new", "files", ["name"]),
}
BAD: dict[str, Change] = {
    "files.detected_type is gone": lambda op: _batch(op, "drop_column", "detected_type"),
    "files.name is gone": lambda op: op.alter_column("files", "name", new_column_name="title"),
    "table steps is gone": lambda op: op.drop_table("steps"),
    "files.new is new, and old code does not fill it": lambda op: _batch(
        op, "add_column", sa.Column("new", sa.Text(), nullable=False)
    ),
    "files.kind may not be NULL any more": lambda op: _batch(op, "alter_column", "kind", nullable=False),
    "files.size was BIGINT and became TEXT": lambda op: _batch(op, "alter_column", "size", type_=sa.Text()),
    "files has a new rule: unique ('seal',)": lambda op: op.create_index("ux", "files", ["seal"], unique=True),
    "files has a new rule: check size > 0": lambda op: _batch(op, "create_check_constraint", "positive", "size > 0"),
}


def _batch(op: Operations, change: str, *arguments: object, **options: object) -> None:
    with op.batch_alter_table("files") as batch:
        getattr(batch, change)(*arguments, **options)


@pytest.mark.parametrize("name", FINE)
def test_what_is_added_does_no_harm(connection: sa.Connection, name: str) -> None:
    assert _found(connection, FINE[name]) == []


@pytest.mark.parametrize("breakage", BAD)
def test_a_migration_that_breaks_the_release_before_is_found(connection: sa.Connection, breakage: str) -> None:
    assert breakage in _found(connection, BAD[breakage])


def _found(connection: sa.Connection, change: Change) -> list[str]:
    upgrade(connection)
    before = schema_of(connection)
    change(Operations(MigrationContext.configure(connection)))
    return list(breakages(before, schema_of(connection)))
