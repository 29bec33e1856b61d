"""Progress bars: a line for each file that is on its way, on standard error."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

if TYPE_CHECKING:
    from longshore_client import Progress as Reached


class Bars:
    """How far each name is, until it is None; and lines for good, above the bars."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._shown: dict[str, TaskID] = {}

    def draw(self, name: str, reached: Reached | None) -> None:
        if reached is None:
            if name in self._shown:
                self._progress.remove_task(self._shown.pop(name))
            return
        if name not in self._shown:
            self._shown[name] = self._progress.add_task(name, total=reached.total, stage="")
        self._progress.update(self._shown[name], completed=reached.sent, total=reached.total, stage=_stage(reached))

    def say(self, line: str) -> None:
        """Not wrapped at the terminal's edge: what was one address can be copied as one."""
        self._progress.console.print(Text(line), soft_wrap=True)


@contextlib.contextmanager
def bars() -> Generator[Bars]:
    """Bars on standard error, gone at the end. What goes to standard output is nothing of theirs: it may be a pipe."""
    columns = (
        _NameColumn(),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("{task.fields[stage]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        yield Bars(progress)


class _NameColumn(TextColumn):
    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: object) -> Text:
        return Text(str(getattr(task, "description", "")), overflow="ellipsis", no_wrap=True)


def _stage(reached: Reached) -> str:
    return reached.stage if reached.percent is None else f"{reached.stage} {reached.percent} %"
