"""The command line: `prsmed ask`, `data build`, `train`, `evaluate`, `benchmark`."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from prsmed.cli_benchmark import benchmark_app
from prsmed.cli_calibrate import calibrate
from prsmed.cli_consistency import consistency
from prsmed.cli_data import data_app
from prsmed.cli_evaluate import compare, evaluate, questions
from prsmed.cli_import import import_app
from prsmed.cli_judge import judge_app
from prsmed.cli_models import assemble, export, info
from prsmed.cli_predict import predict
from prsmed.cli_simulate import simulate
from prsmed.cli_train import train
from prsmed.cli_versions import versions_app
from prsmed.console import Bars, err, out
from prsmed.errors import PRSMedError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Ask a medical image a question; get a mask and an answer that has been checked against it.\n\n"
    'Begin with:  [bold]prsmed ask scan.nii.gz "Where is the tumour?" --overlay seen.png[/bold]\n\n'
    "Images: a DICOM series folder or file, NIfTI, NRRD, PNG, JPEG. "
    "To serve MONAI Label and 3D Slicer use ./scripts/serve. Research use only, not a medical device.",
)
app.add_typer(data_app, name="data")
app.add_typer(import_app, name="import")
app.command()(info)
app.command()(assemble)
app.command()(export)
app.command()(evaluate)
app.command()(compare)
app.command()(questions)
app.command()(simulate)
app.command()(train)
app.command()(calibrate)
app.command()(consistency)
app.command()(predict)
app.add_typer(judge_app, name="judge")
app.add_typer(versions_app, name="models")
app.add_typer(benchmark_app, name="benchmark")

Image = Annotated[Path, typer.Argument(help="DICOM series folder or file, NIfTI, NRRD, PNG or JPEG.")]
Model = Annotated[str, typer.Option(help="Shipped weights by name, or a checkpoint folder.")]
Device = Annotated[str | None, typer.Option(help="Torch device, e.g. cpu or cuda; chosen by itself when left out.")]


@app.command()
def ask(
    image: Image,
    question: Annotated[str, typer.Argument(help="In your own words, e.g. 'Where is the tumour?'")],
    plane: Annotated[str | None, typer.Option(help="axial, coronal or sagittal; the acquired one by default.")] = None,
    slice_: Annotated[
        int | None, typer.Option("--slice", help="Slice index on that plane, from 0; the whole volume when left out.")
    ] = None,
    window: Annotated[str | None, typer.Option(help="'center,width' or a name such as lung, brain, bone.")] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="Write the mask: .nii.gz, .nrrd or .png.")] = None,
    overlay: Annotated[Path | None, typer.Option(help="Write a picture of the mask over the slice (.png).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
    model: Model = "nano",
    device: Device = None,
) -> None:
    """Ask one image one question."""
    from prsmed.ask import ask_file, parse_window

    with Bars() as bars:
        asked = ask_file(
            image,
            question,
            model=model,
            plane=plane,
            index=slice_,
            window=parse_window(window),
            mask_file=out_file,
            picture_file=overlay,
            device=device,
            progress=None if as_json else partial(bars.report, "slices"),
        )
    if as_json:
        typer.echo(json.dumps(asked))
        return
    from prsmed.show import show_answer

    show_answer(asked, out)
    for path in (out_file, overlay):
        if path is not None:
            out.print(f"Written: {path}", highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; a user's mistake is told in one line, with exit code 2."""
    try:
        app()
    except PRSMedError as error:
        if "--json" in sys.argv:
            typer.echo(json.dumps({"error": {"code": error.code, "message": str(error)}}))
        else:
            err.print(f"[red]Error:[/red] {error}", highlight=False, soft_wrap=True)
        raise SystemExit(2) from error
