"""`longshore`: the command and its sub-commands."""

from __future__ import annotations

import platform

import typer

from longshore import __version__
from longshore.cli import doctor, jobs, kinds, projects, serving, storage, upload
from longshore.cli.output import Json, print_json

app = typer.Typer(
    help="Self-hosted file infrastructure: take files from people, check them, transform them, deliver them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)

app.command("serve")(serving.serve)
app.add_typer(projects.projects, name="project")
app.add_typer(projects.keys, name="key")
app.add_typer(kinds.kinds, name="kind")
app.add_typer(jobs.jobs, name="jobs")
app.add_typer(storage.storage, name="storage")
app.command("upload")(upload.upload)
app.command("doctor")(doctor.doctor)
app.command("migrate")(doctor.migrate)


@app.command("version")
def version(json: Json = False) -> None:
    """The version of Longshore and of the Python it runs on."""
    if json:
        print_json({"longshore": __version__, "python": platform.python_version()})
    else:
        print(f"longshore {__version__} (Python {platform.python_version()})")


def main() -> None:
    app()
