"""`longshore upload`: bring files from a shell, over the API like everybody else."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from longshore.cli.output import Json, print_json, run

if TYPE_CHECKING:  # aiohttp and rich are slow to import, and other commands do not need them
    from longshore.cli.bars import Bars
    from longshore_client import File, LongshoreClient, Progress
    from longshore_client.client import Outcome

SOME_FAILED = 1

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, and folders with all that is in them.")]
Metadata = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Kept with each file. May be repeated.")]
Key = Annotated[str | None, typer.Option(help="A secret key. Better in LONGSHORE_SECRET_KEY: `ps` shows arguments.")]
Token = Annotated[str | None, typer.Option(help="An upload token. Better in LONGSHORE_TOKEN.")]


def upload(
    paths: Paths,
    kind: Annotated[str | None, typer.Option(help="The rule to apply, such as avatar.")] = None,
    record: Annotated[str | None, typer.Option(metavar="TYPE/ID", help="What they are for, such as user/42.")] = None,
    position: Annotated[
        int, typer.Option(min=0, help="Where in the record the first file goes; the others follow.")
    ] = 0,
    uploader: Annotated[str | None, typer.Option(help="Who sends, in the application's words.")] = None,
    group: Annotated[str | None, typer.Option(help="The uploader's group, for limits.")] = None,
    metadata: Metadata = None,
    store: Annotated[
        bool | None, typer.Option("--store/--no-store", help="Keep for good, or for a day. [default: the project's]")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the files are checked.")] = True,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="How many at once.")] = 4,
    timeout: Annotated[float | None, typer.Option(min=0.001, help="Seconds for each file at most.")] = None,
    url: Annotated[str, typer.Option(envvar="LONGSHORE_URL", help="The server.")] = "http://127.0.0.1:8700",
    key: Key = None,
    public_key: Annotated[str | None, typer.Option(help="A public key, for what it allows to everybody.")] = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Upload files and folders, several at once, and print each one's uuid and URL.

    Exit code 0: all are there; 1: some were refused or failed; 2: the command line is wrong; 130: interrupted.
    """
    files = _files(paths)
    labels = _metadata(metadata or [])
    from longshore_client import UploadOptions  # see above

    options: UploadOptions = {
        "kind": kind,
        "record": record,
        "uploader": uploader,
        "group": group,
        "metadata": labels,
        "store": store,
        "wait": wait,
        "timeout": timeout,
    }
    client = _client(url, key=key, token=token, public_key=public_key)

    async def work() -> list[Outcome]:
        async with client:
            with _display(is_json=json) as display:
                return await client.upload_many(
                    files,
                    parallel=parallel,
                    position=position,
                    on_progress=display.progress,
                    on_done=display.done,
                    **options,
                )

    outcomes = run(work)
    if json:
        print_json([_described(path, outcome) for path, outcome in zip(files, outcomes, strict=True)])
    if any(isinstance(outcome, Exception) for outcome in outcomes):
        raise typer.Exit(SOME_FAILED)


def _files(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, folders with all files below them by name; links to folders are not followed."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                found.update(dict.fromkeys(one for name in sorted(names) if (one := Path(folder, name)).is_file()))
        elif path.exists():
            found[path] = None
        else:
            raise typer.BadParameter(f"There is no file or folder {_shown(path)}")
    if not found:
        raise typer.BadParameter("There are no files in what was given")
    return list(found)


def _metadata(pairs: Sequence[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"--metadata takes KEY=VALUE, not {pair!r}")
        labels[name] = value
    return labels


def _client(url: str, *, key: str | None, token: str | None, public_key: str | None) -> LongshoreClient:
    """What the command line says wins over the environment; there, the secret key over a token over the public key."""
    from longshore_client import LongshoreClient  # see above

    given = {"key": key, "token": token, "public_key": public_key}
    if sum(value is not None for value in given.values()) > 1:
        raise typer.BadParameter("Give one of --key, --token and --public-key")
    names = {"key": "LONGSHORE_SECRET_KEY", "token": "LONGSHORE_TOKEN", "public_key": "LONGSHORE_PUBLIC_KEY"}
    around = {name: os.environ.get(variable) for name, variable in names.items()}
    chosen = next(((name, value) for some in (given, around) for name, value in some.items() if value), None)
    if chosen is None:
        raise typer.BadParameter(f"Who uploads? Set {', '.join(names.values())}, or give --key, --token, --public-key")
    try:
        match chosen:
            case "key", value:
                return LongshoreClient(url, key=value)
            case "token", value:
                return LongshoreClient(url, token=value)
            case _, value:
                return LongshoreClient(url, public_key=value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


class _Display:
    """A line for each file that is over, and bars for those that are on their way where somebody can see them."""

    def __init__(self, bars: Bars | None, *, is_json: bool) -> None:
        self._bars = bars
        self._is_json = is_json

    def progress(self, path: Path, reached: Progress | None) -> None:
        if self._bars is not None:
            self._bars.draw(_shown(path), reached)

    def done(self, path: Path, outcome: Outcome) -> None:
        self.progress(path, None)
        if isinstance(outcome, Exception):
            reason = outcome.strerror if isinstance(outcome, OSError) else str(outcome)
            self._say(f"longshore: {_shown(path)}: {reason or outcome}", sys.stderr)
        elif not self._is_json:
            address = outcome.urls.original if outcome.urls else None
            self._say("  ".join(filter(None, (outcome.id, _shown(path), address))), sys.stdout)

    def _say(self, line: str, stream: TextIO) -> None:
        if self._bars is not None and stream.isatty():
            self._bars.say(line)
        else:
            print(line, file=stream, flush=True)


@contextlib.contextmanager
def _display(*, is_json: bool) -> Generator[_Display]:
    if not sys.stderr.isatty():
        yield _Display(None, is_json=is_json)
        return
    from longshore.cli.bars import bars  # rich, see above

    with bars() as drawn:
        yield _Display(drawn, is_json=is_json)


def _described(path: Path, outcome: File | Exception) -> dict[str, object]:
    from longshore_client import ProblemError  # see above

    described: dict[str, object] = {"path": str(path), "file": None, "error": None}
    if not isinstance(outcome, Exception):
        described["file"] = outcome
    else:
        described["error"] = {
            "code": outcome.code if isinstance(outcome, ProblemError) else type(outcome).__name__,
            "status": outcome.status if isinstance(outcome, ProblemError) else None,
            "detail": outcome.detail if isinstance(outcome, ProblemError) else str(outcome),
            "upload_id": getattr(outcome, "upload_id", None),
        }
    return described


def _shown(path: Path) -> str:
    """Names come from anywhere; what would steer a terminal is not printed."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(path))
