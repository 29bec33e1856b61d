"""Progress bars: a line for each file that is on its way, on standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

if TYPE_CHECKING:
    from longshore_client import Progress as Reached

Draw = Callable[[str, "Reached | None"], None]


@contextlib.contextmanager
def bars() -> Generator[Draw]:
    """Draws how far each name is until it is None, and leaves nothing behind.

    What is printed to standard output or error meanwhile goes above the bars where it goes to the same terminal.
    """
    columns = (
        _NameColumn(),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[stage]}", markup=False),
    )
    shown: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=_is_shared()) as progress:

        def draw(name: str, reached: Reached | None) -> None:
            if reached is None:
                if name in shown:
                    progress.remove_task(shown.pop(name))
                return
            if name not in shown:
                shown[name] = progress.add_task(name, total=None, stage="")
            progress.update(shown[name], completed=reached.sent, total=reached.total, stage=_stage(reached))

        yield draw


class _NameColumn(TextColumn):
    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: object) -> Text:
        return Text(str(getattr(task, "description", "")), overflow="ellipsis", no_wrap=True)


def _is_shared() -> bool:
    """Whether both streams end in one terminal; a pipe must get its lines itself."""
    return sys.stdout.isatty()


def _stage(reached: Reached) -> str:
    return reached.stage if reached.percent is None else f"{reached.stage} {reached.percent} %"
