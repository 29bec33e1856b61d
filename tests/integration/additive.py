"""Whether a migration is additive: whether the release before it runs on the schema after it.

Old code inserts rows without the new columns, selects the old ones by name, and expects every write that was fine to be
fine still. So nothing may go, be renamed, change its type, or become stricter; what is new has to be optional.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, inspect


@dataclass(frozen=True, slots=True)
class Column:
    type: str
    is_optional: bool
    """An INSERT may leave it out."""
    is_nullable: bool


@dataclass(frozen=True, slots=True)
class Table:
    columns: dict[str, Column]
    rules: frozenset[str]
    """Everything that can refuse a row: unique keys, foreign keys, checks."""


Schema = dict[str, Table]


def schema_of(connection: Connection) -> Schema:
    look = inspect(connection)
    found: Schema = {}
    for name in look.get_table_names():
        if name == "alembic_version":
            continue
        columns = {
            column["name"]: Column(
                type=str(column["type"]),
                is_optional=column["nullable"] or column.get("default") is not None,
                is_nullable=column["nullable"],
            )
            for column in look.get_columns(name)
        }
        unique = [(*sorted(key["column_names"]),) for key in look.get_unique_constraints(name)]
        unique += [
            (*sorted(str(part) for part in index["column_names"]),)
            for index in look.get_indexes(name)
            if index["unique"] and not index.get("duplicates_constraint")
        ]
        rules = [f"unique {key}" for key in unique]
        rules += [f"foreign key {key['constrained_columns']}" for key in look.get_foreign_keys(name)]
        rules += [f"check {check['sqltext']}" for check in look.get_check_constraints(name)]
        rules.append(f"primary key {look.get_pk_constraint(name)['constrained_columns']}")
        found[name] = Table(columns, frozenset(rules))
    return found


def breakages(before: Schema, after: Schema) -> Iterator[str]:
    """What the code of `before` stumbles over in `after`, a sentence each."""
    for name, table in before.items():
        if name not in after:
            yield f"table {name} is gone"
            continue
        now = after[name]
        for column, was in table.columns.items():
            became = now.columns.get(column)
            if became is None:
                yield f"{name}.{column} is gone"
            elif became.type != was.type:
                yield f"{name}.{column} was {was.type} and became {became.type}"
            elif was.is_nullable and not became.is_nullable:
                yield f"{name}.{column} may not be NULL any more"
            elif was.is_optional and not became.is_optional:
                yield f"{name}.{column} has lost its default"
        for column, became in now.columns.items():
            if column not in table.columns and not became.is_optional:
                yield f"{name}.{column} is new, and old code does not fill it"
        for rule in sorted(now.rules - table.rules):
            yield f"{name} has a new rule: {rule}"
