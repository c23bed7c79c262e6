"""`prsmed data import`: released annotations as conversations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prsmed.cli_data_told import tell
from prsmed.console import Bars, Data


def import_annotations(
    data: Data,
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for conversations.jsonl and manifest.json.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first row or image that cannot be used.")
    ] = False,
) -> None:
    """Take over released questions and answers: PRS-Med's CSV files, MedSeg-QA-style JSON."""
    from prsmed.data.released import import_released

    with Bars() as bars:
        imported = import_released(data, out_folder, strict=strict, report=bars.report)
    tell(imported)
