"""`longshore storage ...`: the store that objects are in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from longshore.cli.output import Config, Json, print_json, run, settings
from longshore.wiring.storage import Line, set_up_storage

storage = typer.Typer(help="The object store.", no_args_is_help=True, rich_markup_mode=None)

_MARKS = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED "}


@storage.command("setup")
def setup(
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A web page's origin that may send, such as https://app.example.com; any page by default."),
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Make the buckets of an S3 store and its rules, find out what it can do, and record it. Safe to repeat."""
    print_lines(run(lambda: set_up_storage(settings(config), origin or ["*"])), json=json)


def print_lines(lines: Sequence[Line], *, json: bool) -> None:
    """For people or for scripts. Raises typer.Exit with 1 when something failed."""
    if json:
        print_json([{"what": line.what, "state": line.state, "says": line.says} for line in lines])
    else:
        width = max(len(line.what) for line in lines)
        for line in lines:
            print(f"{_MARKS[line.state]}  {line.what:<{width}}  {line.says}")
    if any(line.state == "failed" for line in lines):
        raise typer.Exit(1)
