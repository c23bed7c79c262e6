"""`prsmed predict`: a question to every study of an archive."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from prsmed.console import Bars, out


def predict(
    source: Annotated[Path, typer.Argument(help="A folder of studies, or a CSV file with a column 'image'.")],
    question: Annotated[str, typer.Argument(help="Asked of each; a column 'question' of the CSV goes before it.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder of the results; the same folder goes on.")],
    model: Annotated[str, typer.Option(help="Shipped weights by name, or a checkpoint folder.")] = "nano",
    plane: Annotated[str | None, typer.Option(help="axial, coronal or sagittal; the acquired one by default.")] = None,
    window: Annotated[str | None, typer.Option(help="'center,width' or a name such as lung, brain, bone.")] = None,
    device: Annotated[str | None, typer.Option(help="Torch device, e.g. cpu or cuda.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Ask every study of an archive; a stopped run goes on, studies that cannot be read are told in the table.

    Several GPUs or machines: torchrun --nproc-per-node 8 -m prsmed predict ... (docs/training.md).
    """
    from prsmed.ask import parse_window
    from prsmed.predict import predict as run_prediction

    is_first = os.environ.get("RANK", "0") == "0"
    with Bars() as bars:
        predicted = run_prediction(
            source,
            question,
            folder,
            model=model,
            plane=plane,
            window=parse_window(window),
            device=device,
            **({"progress": partial(bars.report, "studies")} if is_first and not as_json else {}),
        )
    if not is_first:
        return
    if as_json:
        told = {"studies": predicted.studies, "done": predicted.done, "failed": predicted.failed}
        typer.echo(json.dumps({**told, "summary": str(predicted.summary)}))
        return
    out.print(f"{predicted.done} of {predicted.studies} studies answered, {predicted.failed} could not be.")
    out.print(f"Written: {predicted.summary}", highlight=False, soft_wrap=True)
