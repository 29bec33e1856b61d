"""`longshore kind`: kinds from TOML files.

[avatar]
accept = ["image/jpeg", "image/png", "image/webp"]
size = { "*" = "5 MB", premium = "20 MB" }      # or one size for all: size = "5 MB"
visibility = "public"                            # or private
scan = "hold"                                    # or allow: what becomes of files nobody could scan
retention_days = 30                              # absent: for good
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from longshore.cli.output import Config, Json, print_fields, print_json, print_table, run, settings
from longshore.core.ids import ProjectId
from longshore.core.kind import ANY_GROUP, BadKind, Kind, ScanPolicy, Visibility
from longshore.core.sizes import parse_size
from longshore.wiring.foundation import foundation

kinds = typer.Typer(help="Kinds: named rules for uses of files.", no_args_is_help=True)

ProjectName = Annotated[str, typer.Option("--project", "-p", help="The project's name.")]


class KindTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One kind as people write it."""

    accept: list[str] = msgspec.field(default_factory=lambda: ["*/*"])
    size: int | str | dict[str, int | str] | None = None
    visibility: Visibility = Visibility.PUBLIC
    scan: ScanPolicy | None = None
    retention_days: Annotated[float, msgspec.Meta(gt=0, le=36_500)] | None = None


@kinds.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="A TOML file, one table for each kind.", exists=True, dir_okay=False)],
    project: ProjectName = "demo",
    json: Json = False,
    config: Config = None,
) -> None:
    """Make the project's file-managed kinds be those of a TOML file."""

    async def work() -> list[Kind]:
        wanted = parse_kinds(file.read_text(encoding="utf-8"))
        async with foundation(settings(config)) as base:
            found = await base.projects.by_name(project)
            await base.projects.apply_kinds(found, wanted)
            return list(await base.projects.kinds(found))

    _print(run(work), json)


@kinds.command("list")
def list_kinds(project: ProjectName = "demo", json: Json = False, config: Config = None) -> None:
    """The project's kinds."""

    async def work() -> list[Kind]:
        async with foundation(settings(config)) as base:
            return list(await base.projects.kinds(await base.projects.by_name(project)))

    _print(run(work), json)


@kinds.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The kind's name.")],
    project: ProjectName = "demo",
    json: Json = False,
    config: Config = None,
) -> None:
    """One kind."""

    async def work() -> Kind:
        async with foundation(settings(config)) as base:
            return await base.projects.kind(await base.projects.by_name(project), name)

    described = _described(run(work))
    if json:
        print_json(described)
    else:
        print_fields(described)


def parse_kinds(text: str) -> list[Kind]:
    """The kinds of a TOML text. Raises BadKind naming the table and what is wrong in it, BadSize."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise BadKind(f"The file is not TOML: {e}") from e
    return [_kind(name, table) for name, table in tables.items()]


def _kind(name: str, table: object) -> Kind:
    try:
        body = msgspec.convert(table, KindTable)
    except msgspec.ValidationError as e:
        raise BadKind(f"[{name}]: {e}") from e
    return Kind(
        project_id=ProjectId(0),
        name=name,
        accept=tuple(body.accept),
        sizes=_sizes(body.size),
        visibility=body.visibility,
        scan=body.scan,
        retention=timedelta(days=body.retention_days) if body.retention_days is not None else None,
        managed_by_file=True,
    )


def _sizes(size: int | str | Mapping[str, int | str] | None) -> dict[str, int]:
    match size:
        case None:
            return {}
        case int() | str():
            return {ANY_GROUP: parse_size(str(size))}
        case _:
            return {group: parse_size(str(one)) for group, one in size.items()}


def _described(kind: Kind) -> dict[str, object]:
    return {
        "name": kind.name,
        "accept": list(kind.accept),
        "sizes": dict(kind.sizes),
        "visibility": kind.visibility.value,
        "scan": kind.scan.value if kind.scan else None,
        "retention_s": kind.retention.total_seconds() if kind.retention else None,
        "managed_by_file": kind.managed_by_file,
    }


def _print(found: list[Kind], json: bool) -> None:
    if json:
        print_json([_described(kind) for kind in found])
    else:
        rows = [(kind.name, ", ".join(kind.accept), kind.visibility.value, kind.managed_by_file) for kind in found]
        print_table(("name", "accept", "visibility", "from file"), rows)
