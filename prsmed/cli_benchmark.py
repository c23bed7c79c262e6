"""`prsmed benchmark ask`, `fit` and `train` (docs/benchmark.md)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from prsmed.cli_train import Threads, Workers, set_threads
from prsmed.console import Bars, err, out

benchmark_app = typer.Typer(no_args_is_help=True, help="Measure speed, beside the plain way, within one run.")

Device = Annotated[str | None, typer.Option(help="Torch device; the first CUDA device or the CPU when left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


@benchmark_app.command("ask")
def benchmark_ask(
    model: Annotated[str, typer.Option(help="Shipped weights by name, or a checkpoint folder.")] = "nano",
    shape: Annotated[
        str | None, typer.Option(help="A preset of the LLaVA family instead: its full shape with random weights.")
    ] = None,
    device: Device = None,
    threads: Threads = None,
    repeats: Annotated[int, typer.Option(min=3, help="Rounds; medians and their intervals are printed.")] = 7,
    as_json: AsJson = False,
) -> None:
    """The way of a question, first and repeated, on a slice and a volume, beside the sequence of PRS-Med's code."""
    from prsmed.benchmark.ask import measure_asking
    from prsmed.benchmark.ask_table import show_asking

    set_threads(threads)
    with Bars() as bars:
        told = {} if as_json else {"progress": partial(bars.report, "rounds")}
        result = measure_asking(model, shape, device, repeats, **told)
    if as_json:
        typer.echo(json.dumps(result))
    else:
        show_asking(result, out)


@benchmark_app.command("fit")
def benchmark_fit(
    preset: Annotated[str, typer.Argument(help="A preset with an imported language model of the LLaVA family.")],
    device: Device = None,
    batch_size: Annotated[int, typer.Option(min=2, help="Images of the training step.")] = 8,
    train: Annotated[bool, typer.Option(help="Also train for one step.")] = True,
    as_json: AsJson = False,
) -> None:
    """Does a full-size preset fit here? One question and one training step with random weights of its shape."""
    from prsmed.benchmark.fit import measure_fit, show_fit

    with err.status("building") as status:
        result = measure_fit(preset, device, batch_size, train=train, progress=status.update)
    if as_json:
        typer.echo(json.dumps(result))
    else:
        show_fit(result, out)


@benchmark_app.command("train")
def benchmark_train(
    preset: Annotated[str, typer.Argument(help="A preset (`prsmed info`), or unet.")] = "nano",
    data: Annotated[Path | None, typer.Option(help="Folder of real image sets; drawn images when left out.")] = None,
    batch_size: Annotated[int, typer.Option(min=2, help="Images a step.")] = 16,
    steps: Annotated[int, typer.Option(min=1, help="Steps that are timed, at each size.")] = 10,
    autocast: Annotated[bool, typer.Option("--autocast", help="In bfloat16, where the device is made for it.")] = False,
    threads: Threads = None,
    workers: Workers = 0,
    device: Annotated[str, typer.Option(help="Torch device.")] = "cpu",
    as_json: AsJson = False,
) -> None:
    """Images a second in training, and the share of time outside forward and backward."""
    from prsmed.benchmark.train import measure_training, show_training

    set_threads(threads)
    with Bars() as bars:
        result = measure_training(
            preset,
            data,
            device,
            batch_size=batch_size,
            steps=steps,
            workers=workers,
            autocast=autocast,
            **({} if as_json else {"progress": partial(bars.report, "steps")}),
        )
    if as_json:
        typer.echo(json.dumps(result))
    else:
        show_training(result, out)
