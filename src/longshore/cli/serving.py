"""`longshore serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from longshore.cli.output import Config, run, settings
from longshore.core.project import Project, ProjectNotFound, SecretKey
from longshore.services.projects import NewProject
from longshore.wiring.compose import DEMO, Installation
from longshore.wiring.foundation import foundation
from longshore.wiring.logging import configure
from longshore.wiring.serve import event_loop
from longshore.wiring.serve import serve as serve_until_stopped
from longshore.wiring.settings import Settings

Demo = Annotated[
    bool, typer.Option("--demo", help="Make a project called `demo` when there is none, and print how to use it.")
]


def serve(demo: Demo = False, config: Config = None) -> None:
    """Start the embedded server: the web process with its worker and render processes."""
    run(lambda: _serve(demo, config), event_loop)


async def _serve(demo: bool, config: Path | None) -> None:
    chosen = settings(config)
    configure(chosen.log)
    shown = await _demo(chosen) if demo else None

    def ready(parts: Installation, url: str) -> None:
        del parts
        if shown is not None:
            print(_welcome(url, *shown), flush=True)
        print(f"Longshore is ready at {url}/", file=sys.stderr, flush=True)

    await serve_until_stopped(chosen, ready)


async def _demo(chosen: Settings) -> tuple[Project, SecretKey]:
    async with foundation(chosen) as base:
        try:
            project = await base.projects.by_name(DEMO)
        except ProjectNotFound:
            return await base.projects.create(NewProject(name=DEMO))
        active = await base.projects.secrets(project)
        return project, active[0] if active else await base.projects.create_key(project)


def _welcome(url: str, project: Project, key: SecretKey) -> str:
    return f"""
  Longshore                {url}/          API reference: {url}/docs/

  project                  {project.name}
  public key               {project.public_key}
  secret key               {key.secret}

  Upload with curl:
    curl -F UPLOADCARE_PUB_KEY={project.public_key} -F file=@photo.jpg {url}/base/

  Then, with the uuid it answers, any picture by URL:
    {url}/UUID/-/preview/800x600/-/format/auto/

  From Python (pip install ./clients/python):
    from longshore_client import Client
    with Client("{url}", key="{key.secret}") as client:
        print(client.upload("photo.jpg").id)
"""
