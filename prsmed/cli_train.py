"""`prsmed train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from prsmed.console import Bits, Data, out, progress

Threads = Annotated[int | None, typer.Option(help="CPU threads.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that make batches ahead (for a GPU).")]
TorchDevice = Annotated[str, typer.Option(help="Torch device.")]


def train(
    data: Data,
    run: Annotated[Path, typer.Option("--out", help="Folder of the run; the same folder resumes it.")],
    preset: Annotated[
        str, typer.Option(help="A preset (`prsmed info`), or a baseline: unet, attention-unet, dyn-unet.")
    ] = "nano",
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step, over all processes.")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    init: Annotated[str | None, typer.Option(help="Start from these weights: a name or a checkpoint folder.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another run.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Anything else of the recipe, e.g. --set ema=0.999.")
    ] = None,
    threads: Threads = None,
    workers: Workers = 0,
    bits: Bits = 16,
    device: TorchDevice = "cpu",
    shards: Annotated[bool, typer.Option("--shards", help="Share the weights between the processes (FSDP).")] = False,
) -> None:
    """Train a preset on image/mask pairs; a killed run goes on where it was.

    Several GPUs or machines: torchrun --nproc-per-node 8 -m prsmed train ... (docs/training.md).
    """
    from prsmed.model.presets import find_preset
    from prsmed.model.unet import BASELINES
    from prsmed.training import Progress as TrainProgress
    from prsmed.training import TrainConfig, parse_changes
    from prsmed.training import train as run_training

    set_threads(threads)
    given: dict[str, Any] = {"steps": steps, "batch_size": batch_size, "lr": lr, "seed": seed}
    chosen = parse_changes(changes or []) | {name: value for name, value in given.items() if value is not None}
    config = TrainConfig.recipe(None if preset in BASELINES else find_preset(preset, bits), **chosen)
    is_first = os.environ.get("RANK", "0") == "0"
    with progress() as bar:
        task = bar.add_task("training", total=config.steps, visible=is_first)

        def report(now: TrainProgress) -> None:
            losses = " ".join(f"{name} {value:.3f}" for name, value in now.losses.items())
            bar.update(task, completed=now.step, description=losses)
            if now.dice is not None and is_first:
                bar.console.print(f"step {now.step}: Dice {now.dice:.3f} on images not trained on")

        manifest = run_training(preset, data, run, config, report, device, init, bits, workers, shards)
    if is_first:
        sha256 = f"{manifest.sha256[:12]}..."
        out.print(f"Written: {run / 'checkpoint'} ({manifest.version}, sha256 {sha256})", soft_wrap=True)


def set_threads(threads: int | None) -> None:
    """Of torch, on the CPU; as it chooses itself when ``None``."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
