"""`prsmed simulate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from prsmed.console import Bars, out


def simulate(
    data: Annotated[Path, typer.Argument(help="Folder of a labelled set (docs/data.md).")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the curves; the same folder resumes it.")],
    strategy: Annotated[str, typer.Option(help="Names separated by commas, or all (docs/active-learning.md).")] = "all",
    rounds: Annotated[int, typer.Option(help="How often the reader is given images.")] = 4,
    per_round: Annotated[int, typer.Option(help="How many at a time.")] = 4,
    seeds: Annotated[int, typer.Option(help="Repetitions, each with another pool.")] = 3,
    pool: Annotated[int, typer.Option(help="Unlabelled images at the beginning.")] = 80,
    test: Annotated[int, typer.Option(help="Held-out images at most.")] = 60,
    steps: Annotated[int, typer.Option(help="Optimiser steps of each fine-tuning.")] = 60,
    batch_size: Annotated[int, typer.Option(help="Pictures a step.")] = 8,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the model's square in pixels; a smaller one is quicker.")
    ] = None,
    only: Annotated[str, typer.Option(help="Only the set, or the target, of this name.")] = "",
    model: Annotated[str, typer.Option(help="Shipped weights by name, or a checkpoint folder.")] = "nano",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Replay a labelled set as if a reader corrected it: which strategy needs the fewest corrections?"""
    from prsmed.simulate import SimulationConfig
    from prsmed.simulate import simulate as run_simulation
    from prsmed.simulate.settings import parse_strategies

    config = SimulationConfig(
        strategies=parse_strategies(strategy),
        rounds=rounds,
        per_round=per_round,
        seeds=seeds,
        pool=pool,
        test=test,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        size=size,
        only=only,
    )
    with Bars() as bars:
        report = (lambda what, done, total: None) if as_json else bars.report
        curves = run_simulation(data, out_folder, config, model, report)
    if as_json:
        typer.echo(json.dumps(curves.to_json()))
        return
    out.print(curves.to_terminal())
    out.print(f"Written: {out_folder}", soft_wrap=True)
