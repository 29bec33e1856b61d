"""`longshore doctor` and `longshore migrate`."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer

from longshore import __version__
from longshore.cli.output import Config, Json, print_json, run, settings
from longshore.cli.storage import print_lines
from longshore.core.errors import Problem
from longshore.wiring.checkup import checks_of
from longshore.wiring.foundation import foundation
from longshore.wiring.settings import Settings
from longshore.wiring.storage import Line, probe_storage


def doctor(
    storage: Annotated[
        bool, typer.Option("--storage", help="Try each behaviour that an S3 store must have: yes or no.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """What is configured, reachable and missing: a line each. Exit code 1 when something failed."""
    if storage:
        print_lines(run(lambda: probe_storage(settings(config))), json=json)
    else:
        print_lines(run(lambda: _examined(config)), json=json)


def migrate(json: Json = False, config: Config = None) -> None:
    """Bring the database's schema up to date. Starting the server does so too."""

    async def work() -> str:
        async with foundation(settings(config)) as base:
            return await base.db.check()

    says = run(work)
    if json:
        print_json({"database": says})
    else:
        print(says)


async def _examined(config: Path | None) -> list[Line]:
    chosen = settings(config)
    lines = [
        Line("longshore", "ok", f"{__version__} on Python {platform.python_version()}, {platform.platform()}"),
        Line("data folder", "ok", str(chosen.data_dir.absolute())),
    ]
    try:
        async with foundation(chosen) as base:
            lines.append(await _asked("database", base.db.check))
            for what, check in checks_of(chosen).items():
                lines.append(await _asked(what, check))
    except Problem as problem:
        lines.append(Line("database", "failed", problem.detail))
    lines += _warnings(chosen)
    return lines


async def _asked(what: str, check: Callable[[], Awaitable[str]]) -> Line:
    try:
        return Line(what, "ok", await check())
    except Problem as problem:
        return Line(what, "failed", problem.detail)


def _warnings(chosen: Settings) -> list[Line]:
    lines: list[Line] = []
    if chosen.scanner.__class__.__name__ == "NoScanner":
        lines.append(
            Line(
                "scanner",
                "warning",
                "none configured: files are published unscanned; set LONGSHORE_SCANNER__TYPE=clamd and __ADDRESS",
            )
        )
    try:
        lines.append(Line("longshore-client", "ok", version_of("longshore-client")))
    except PackageNotFoundError:
        lines.append(Line("longshore-client", "warning", "not installed: `longshore upload` needs it"))
    return lines
