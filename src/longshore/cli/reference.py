"""`./run docs`: the pages of docs/reference, made from the code they describe. A test says when they are stale."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import typer
from typer.main import get_command

import longshore
from longshore.cli.main import app
from longshore.cli.output import EXIT_CODES
from longshore.core.errors import Problem
from longshore.core.event import ROUTES, EventKind
from longshore.core.imaging import operations as imaging
from longshore.core.job import POLICIES
from longshore.core.webhook import PUBLIC_EVENTS
from longshore.http.kit.operation import Operation
from longshore.http.kit.problems import status_of
from longshore.http.native.table import PREFIX, native_operations
from longshore.wiring.settings import PREFIX as VARIABLE
from longshore.wiring.settings import Settings

_MADE = "<!-- made by ./run docs; do not edit -->\n\n"


def pages() -> dict[str, str]:
    """File name to content of every page of docs/reference."""
    return {
        "settings.md": _MADE + _settings(),
        "errors.md": _MADE + _errors(),
        "api.md": _MADE + _api(),
        "operations.md": _MADE + _operations(),
        "jobs.md": _MADE + _jobs(),
        "commands.md": _MADE + _commands(),
    }


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


# -- settings ----------------------------------------------------------------------------------------------------------


def _settings() -> str:
    lines = [
        "# Settings",
        "",
        "From a TOML file (`--config FILE` or `LONGSHORE_CONFIG`), and from the environment over it. In the file a",
        "variable `LONGSHORE_SCANNER__TYPE` is `type` in the table `[scanner]`. Sizes are bytes, `_s` are seconds.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
        *_rows(Settings, VARIABLE),
    ]
    return "\n".join(lines) + "\n"


def _rows(group: type[msgspec.Struct], prefix: str, only: str = "") -> Iterator[str]:
    about = field_docs(group)
    tag = group.__struct_config__.tag
    if isinstance(tag, str) and group.__struct_config__.tag_field:
        yield f"| `{prefix}{group.__struct_config__.tag_field.upper()}` | | `{tag}`: {_cell(inspect.getdoc(group))} |"
        only = f" (`{tag}`)"
    for field in msgspec.structs.fields(group):
        name = f"{prefix}{field.name.upper()}"
        choices = [kind for kind in _members(field.type) if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
        if choices:
            for choice in choices:
                yield from _rows(choice, f"{name}__")
        elif not _is_dataclass(field.type):
            yield f"| `{name}`{only} | {_default(field)} | {_cell(about.get(field.name))}{_words(field.type)} |"


def field_docs(group: type) -> dict[str, str]:
    """The text under each field of a class: its attribute docstring, or the comment `#:` above it."""
    found: dict[str, str] = {}
    for kind in reversed(group.__mro__):
        try:
            source = textwrap.dedent(inspect.getsource(kind))
        except (OSError, TypeError):
            continue
        body = ast.parse(source).body[0]
        if not isinstance(body, ast.ClassDef):
            continue
        waiting: list[str] = []
        for statement in body.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name)):
                    waiting.append(name)
                    comment = _comment_above(source.splitlines(), statement.lineno)
                    if comment:
                        found[name] = comment
                case ast.Expr(value=ast.Constant(value=str(text))) if waiting:
                    found.update(dict.fromkeys(waiting, " ".join(text.split())))
                    waiting = []
                case _:
                    waiting = []
    return found


def _comment_above(lines: list[str], line: int) -> str:
    gathered: list[str] = []
    while line >= 2 and lines[line - 2].strip().startswith("#:"):
        gathered.insert(0, lines[line - 2].strip()[2:].strip())
        line -= 1
    return " ".join(gathered)


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) is not None and get_origin(kind) is not Literal else (kind,)


def _is_dataclass(kind: Any) -> bool:
    return hasattr(kind, "__dataclass_fields__")


def _words(kind: Any) -> str:
    """The words that a setting takes, when they are few."""
    if get_origin(kind) is Literal:
        return " One of " + ", ".join(f"`{word}`" for word in get_args(kind)) + "."
    if hasattr(kind, "__members__"):
        return " One of " + ", ".join(f"`{word}`" for word in kind) + "."
    return ""


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        value: object = field.default
        if value is None or value == ():
            return "-"
        if isinstance(value, bool):
            return f"`{str(value).lower()}`"
        return f"`{value}`"
    return "by the machine" if field.default_factory is not msgspec.NODEFAULT else "required"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


# -- errors ------------------------------------------------------------------------------------------------------------


def problems() -> list[type[Problem]]:
    """Every problem there is, by code, with all our modules imported."""
    for module in pkgutil.walk_packages(longshore.__path__, "longshore."):
        if not module.name.endswith(("__main__", ".zygote", ".env")) and ".versions" not in module.name:
            importlib.import_module(module.name)
    found: dict[str, type[Problem]] = {}
    waiting: list[type[Problem]] = [Problem]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("longshore.") and "code" in vars(kind):
            found.setdefault(kind.code, kind)
    return [found[code] for code in sorted(found)]


def _errors() -> str:
    lines = [
        "# Errors",
        "",
        "The native API answers problem details (RFC 9457): `type` is `urn:longshore:problem:<code>`, `title` the",
        "sentence here, `detail` what happened now. The other APIs say the same in their own dialects.",
        "",
        "| code | native status | exit code | meaning |",
        "|---|---|---|---|",
    ]
    for kind in problems():
        status = next(iter([status_of(_blank(kind))]))
        code = next(EXIT_CODES[one] for one in kind.__mro__ if one in EXIT_CODES)
        lines.append(f"| `{kind.code}` | {status} | {code} | {_cell(kind.title)} |")
    return "\n".join(lines) + "\n"


def _blank(kind: type[Problem]) -> Problem:
    """An instance only to be asked for its status: some leaves demand arguments."""
    blank = kind.__new__(kind)
    Problem.__init__(blank)
    return blank


# -- the native API, the URL API, jobs, commands -----------------------------------------------------------------------


class _NoHandlers:
    """Stands where handlers would, so that the table can be read without a server."""

    def __getattr__(self, name: str) -> object:
        return name


def table() -> list[Operation]:
    nobody: Any = _NoHandlers()
    return native_operations(nobody, nobody, nobody, nobody)


def _api() -> str:
    lines = [
        "# Native API",
        "",
        f"Below `{PREFIX}`; the whole description is at `{PREFIX}/openapi.json`, and readable at `/docs/`.",
        "",
        "| call | who | what | problems worth telling apart |",
        "|---|---|---|---|",
    ]
    for one in table():
        codes = ", ".join(f"`{problem.code}`" for problem in one.problems)
        lines.append(f"| `{one.method} {one.path}` | {one.who.value} | {_cell(one.summary)} | {codes} |")
    return "\n".join(lines) + "\n"


def _operations() -> str:
    lines = [
        "# Operations of the URL API",
        "",
        "`/<uuid>/-/name/parameters/-/name/.../[filename]`; operations apply from left to right.",
        "",
        "| operation | what it does |",
        "|---|---|",
    ]
    lines += [f"| `{_name(kind)}` | {_cell(inspect.getdoc(kind))} |" for kind in operations()]
    return "\n".join(lines) + "\n"


def operations() -> list[type]:
    """The operation classes, in the order of the module."""
    return [kind for kind in vars(imaging).values() if isinstance(kind, type) and _name(kind) and _is_dataclass(kind)]


def _name(kind: type) -> str:
    return getattr(kind, "name", "")


def _jobs() -> str:
    lines = [
        "# Jobs and events",
        "",
        "| job | queue | attempts | what it does |",
        "|---|---|---|---|",
    ]
    for job, policy in POLICIES.items():
        lines.append(f"| `{job.value}` | `{policy.queue.value}` | {policy.attempts} | {_cell(policy.title)} |")
    lines += ["", "| event | jobs that follow | webhook |", "|---|---|---|"]
    for event in EventKind:
        jobs = ", ".join(f"`{job.value}`" for job in ROUTES[event]) or "-"
        public = PUBLIC_EVENTS.get(event)
        lines.append(f"| `{event.value}` | {jobs} | {f'`{public.value}`' if public else '-'} |")
    return "\n".join(lines) + "\n"


def _commands() -> str:
    context = typer.Context(get_command(app), info_name="longshore")
    lines = ["# Commands", "", "| command | what it does |", "|---|---|"]
    root: Any = context.command
    for name, command in sorted(root.commands.items()):
        for inner, sub in sorted(getattr(command, "commands", {"": command}).items()):
            lines.append(f"| `longshore {name}{' ' + inner if inner else ''}` | {_cell(sub.help)} |")
    lines += ["", "Exit codes: 0 is success.", "", "| exit code | kind of problem |", "|---|---|"]
    for kind, code in EXIT_CODES.items():
        lines.append(f"| {code} | {_cell(kind.title)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/reference"))
