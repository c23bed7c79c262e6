"""What the commands share: the two streams, progress bars, and the option that names the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

out, err = Console(), Console(stderr=True)
Bits = Annotated[int, typer.Option(help="Of an imported language model: 16, 8 or 4 (needs prsmed\\[quantized]).")]
Data = Annotated[Path, typer.Option(envvar="PRSMED_DATA", help="Folder of the image sets (docs/data.md).")]


def progress() -> Progress:
    """A bar with counts, time gone and time to go, on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
    )


class Bars:
    """Progress bars that appear with the first report of each phase, if at all."""

    def __init__(self) -> None:
        self._progress = progress()
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tasks:
            self._progress.stop()

    def report(self, what: str, done: int, total: int) -> None:
        """Show how far a phase is."""
        if not self._tasks:
            self._progress.start()
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done)
