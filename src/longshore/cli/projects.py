"""`longshore project` and `longshore key`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from longshore.cli.output import Config, Json, print_fields, print_json, print_table, run, settings
from longshore.core.ids import KeyId
from longshore.core.project import Project, SecretKey
from longshore.core.sizes import parse_size
from longshore.core.time import to_wire
from longshore.services.projects import NewProject
from longshore.wiring.foundation import foundation

projects = typer.Typer(help="Projects: tenants with keys and settings.", no_args_is_help=True)
keys = typer.Typer(help="A project's secret keys.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The project's name.")]


@projects.command("create")
def create(
    name: Name,
    public_key: Annotated[str | None, typer.Option(help="Take this public key instead of a new one.")] = None,
    secret_key: Annotated[str | None, typer.Option(help="Take this secret key instead of a new one.")] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Make a project and its first secret key."""

    async def work() -> tuple[Project, SecretKey]:
        async with foundation(settings(config)) as base:
            new = NewProject(name=name, public_key=public_key, secret_key=secret_key)
            return await base.projects.create(new)

    project, key = run(work)
    _print(_described(project, [key]), json)


@projects.command("list")
def list_projects(json: Json = False, config: Config = None) -> None:
    """All projects."""

    async def work() -> list[Project]:
        async with foundation(settings(config)) as base:
            return list(await base.projects.list())

    found = run(work)
    if json:
        print_json([_described(project, []) for project in found])
    else:
        rows = [(project.name, project.public_key, to_wire(project.created_at)) for project in found]
        print_table(("name", "public key", "created"), rows)


@projects.command("show")
def show(name: Name, json: Json = False, config: Config = None) -> None:
    """A project with its keys and settings."""

    async def work() -> tuple[Project, list[SecretKey]]:
        async with foundation(settings(config)) as base:
            project = await base.projects.by_name(name)
            return project, list(await base.projects.secrets(project))

    project, active = run(work)
    _print(_described(project, active), json)


@projects.command("set")
def change(
    name: Name,
    autostore: Annotated[bool | None, typer.Option(help="Keep files for good unless told otherwise.")] = None,
    signed_uploads: Annotated[bool | None, typer.Option(help="The Upload API demands a signature.")] = None,
    browser_uploads: Annotated[bool | None, typer.Option(help="Native uploads by the public key alone.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Largest file, such as `500 MB`.")] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Change a project's settings; what is not named stays as it is."""

    async def work() -> Project:
        async with foundation(settings(config)) as base:
            project = await base.projects.by_name(name)
            project = replace(
                project,
                autostore=project.autostore if autostore is None else autostore,
                signed_uploads=project.signed_uploads if signed_uploads is None else signed_uploads,
                browser_uploads=project.browser_uploads if browser_uploads is None else browser_uploads,
                max_size=project.max_size if max_size is None else parse_size(max_size),
            )
            await base.projects.save(project)
            return project

    _print(_described(run(work), []), json)


@keys.command("create")
def create_key(project: Name, json: Json = False, config: Config = None) -> None:
    """Make a further secret key."""

    async def work() -> SecretKey:
        async with foundation(settings(config)) as base:
            return await base.projects.create_key(await base.projects.by_name(project))

    _print(_key(run(work)), json)


@keys.command("list")
def list_keys(project: Name, json: Json = False, config: Config = None) -> None:
    """All secret keys of a project; revoked ones too."""

    async def work() -> list[SecretKey]:
        async with foundation(settings(config)) as base:
            return list(await base.projects.keys(await base.projects.by_name(project)))

    found = [_key(key) for key in run(work)]
    if json:
        print_json(found)
    else:
        print_table(
            ("id", "hint", "created", "revoked"), [(k["id"], k["hint"], k["created"], k["revoked"]) for k in found]
        )


@keys.command("revoke")
def revoke_key(
    project: Name,
    key: Annotated[int, typer.Argument(help="The key's id, as `key list` shows it.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Make a secret key stop working, within 2 seconds."""

    async def work() -> None:
        async with foundation(settings(config)) as base:
            await base.projects.revoke_key(await base.projects.by_name(project), KeyId(key))

    run(work)
    _print({"revoked": key}, json)


def _described(project: Project, active: list[SecretKey]) -> dict[str, object]:
    described: dict[str, object] = {"name": project.name, "public_key": project.public_key}
    if active:
        described["secret_key"] = active[0].secret
    return {
        **described,
        "id": project.id,
        "autostore": project.autostore,
        "signed_uploads": project.signed_uploads,
        "browser_uploads": project.browser_uploads,
        "max_size": project.max_size,
        "created": to_wire(project.created_at),
    }


def _key(key: SecretKey) -> dict[str, object]:
    return {
        "id": key.id,
        "secret_key": key.secret,
        "hint": key.hint,
        "created": to_wire(key.created_at),
        "revoked": to_wire(key.revoked_at) if key.revoked_at else None,
    }


def _print(fields: dict[str, object], json: bool) -> None:
    if json:
        print_json(fields)
    else:
        print_fields(fields)
