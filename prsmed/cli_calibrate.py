"""`prsmed calibrate`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from prsmed.console import Bars, Data, out

if TYPE_CHECKING:
    from prsmed.calibration import Calibrated

_ROWS = (
    ("temperature", "Temperature"),
    ("threshold", "Threshold"),
    ("ece", "Calibration error"),
    ("brier", "Brier"),
    ("auroc", "AUROC"),
    ("missed", "Missed"),
    ("false_mask", "False mask"),
)


def calibrate(
    checkpoint: Annotated[str, typer.Argument(help="A checkpoint folder, trained with --set select=train.")],
    data: Data,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="A folder for the calibrated checkpoint; itself when left out.")
    ] = None,
    device: Annotated[str, typer.Option(help="Torch device.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Fit presence temperature and threshold on the images that training set aside (docs/calibration.md)."""
    from prsmed.calibration import calibrate as run_calibration

    with Bars() as bars:
        report = partial(bars.report, "questions")
        found = run_calibration(checkpoint, data, out_folder, report, device)
    if as_json:
        typer.echo(json.dumps(found.manifest.calibration))
        return
    out.print(_table(found))
    out.print(f"Written: {checkpoint if out_folder is None else out_folder}", soft_wrap=True)


def _table(found: Calibrated) -> Table:
    facts = found.manifest.calibration
    title = f"Fitted to {facts['present']} present and {facts['absent']} absent targets of {facts['groups']} groups"
    table = Table("", "Before", "After", title=title, title_justify="left")
    for name, label in _ROWS:
        table.add_row(label, *(f"{getattr(quality, name):.3f}" for quality in (found.before, found.after)))
    return table
