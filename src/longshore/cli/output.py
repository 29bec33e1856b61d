"""How commands print: tables for people, JSON for scripts, one sentence for what went wrong."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from longshore.core.errors import (
    Busy,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Problem,
    StorageFull,
    TooLarge,
    Unauthenticated,
    Unsupported,
)
from longshore.wiring.settings import Settings, SettingsInvalid, load

T = TypeVar("T")

#: Exit codes by kind of problem; the nearest class upwards wins. 64 and above as in sysexits.h.
EXIT_CODES: Mapping[type[Problem], int] = {
    SettingsInvalid: 78,
    Invalid: 2,
    TooLarge: 2,
    Unsupported: 2,
    NotFound: 3,
    Gone: 3,
    Conflict: 4,
    Unauthenticated: 77,
    Forbidden: 77,
    StorageFull: 74,
    Busy: 75,
    Problem: 1,
}

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Config = Annotated[
    Path | None, typer.Option("--config", help="A TOML file with settings; LONGSHORE_... variables win over it.")
]


def exit_code(problem: Problem) -> int:
    return next(EXIT_CODES[kind] for kind in type(problem).__mro__ if kind in EXIT_CODES)


def settings(config: Path | None) -> Settings:
    """Raises SettingsInvalid."""
    return load(os.environ, config)


def run(work: Callable[[], Coroutine[Any, Any, T]], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run a command's coroutine; a Problem becomes one sentence on standard error and an exit code."""
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(work())
    except Problem as problem:
        print(f"longshore: {problem.detail}", file=sys.stderr)
        raise typer.Exit(exit_code(problem)) from problem
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def print_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value, enc_hook=str)).decode())


def print_fields(fields: Mapping[str, object]) -> None:
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        print(f"{name.replace('_', ' ') + ':':<{width + 2}}{_shown(value)}")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Plain columns: they survive pipes, and need no library at start."""
    texts = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(line[n]) for line in [list(columns), *texts]) for n in range(len(columns))]
    for line in [[column.upper() for column in columns], *texts]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
