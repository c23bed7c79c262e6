"""How fast does a preset train here, and how much of the time goes into anything but forward and backward?"""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from prsmed.data import ConversationDataset, phantom_records, read_pairs
from prsmed.model.prsmed import PRSMed
from prsmed.training import TrainConfig
from prsmed.training.batch import Batch
from prsmed.training.learner import Learner, PRSMedLearner, UNetLearner
from prsmed.training.run import fresh_model
from prsmed.training.trainer import Trainer

SIDES = (128, 256)
_PHANTOMS, _WARM_STEPS = 64, 2


def measure_training(
    preset: str,
    data: Path | None,
    device: str,
    *,
    batch_size: int = 16,
    steps: int = 10,
    workers: int = 0,
    autocast: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Train a preset from fresh weights for some steps at each of :data:`SIDES`, after two that are not counted.

    Args:
        preset: Name of a preset, or of a baseline.
        data: Real images; drawn ones when ``None``. Either are read before, as they are but once in a run.
        device: Torch device.
        batch_size: Images a step.
        steps: How many are timed.
        workers: Processes that make batches ahead.
        autocast: In bfloat16, where the device is made for that.
        progress: Told steps done and steps in all.
    """
    torch.manual_seed(0)
    model = fresh_model(preset, 16).to(device)
    records = phantom_records(_PHANTOMS, 0) if data is None else read_pairs(data)
    images = ConversationDataset([r for r in records if r.split == "train"], data or Path(), SIDES[0], augment=True)
    images.preload()
    rows: list[dict[str, float]] = []
    total = len(SIDES) * (steps + _WARM_STEPS)
    for side in SIDES:
        config = TrainConfig(
            steps=steps + _WARM_STEPS, batch_size=batch_size, small_size=side, small_share=1.0, autocast=autocast
        )
        learner: Learner = PRSMedLearner(model, config) if isinstance(model, PRSMed) else UNetLearner(model, config)
        done = config.steps * len(rows)
        timed = _time(learner, config, images, workers, partial(_tell, progress, done, total))
        rows.append({"side": side, **timed})
    place = torch.device(device)
    return {
        "preset": preset,
        "images": "drawn" if data is None else "real",
        "batch_size": batch_size,
        "steps": steps,
        "workers": workers,
        "autocast": autocast,
        "sides": rows,
        "device": torch.cuda.get_device_name(place) if place.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
    }


def show_training(result: dict[str, Any], console: Console) -> None:
    """Print what was measured."""
    table = Table("side", "images/s", "forward", "backward", "batches", "rest")
    for row in result["sides"]:
        shares = (f"{row[name]:.1%}" for name in ("forward", "backward", "batches", "rest"))
        table.add_row(f"{row['side']} px", f"{row['images_per_second']:.1f}", *shares)
    console.print(table)
    console.print(
        f"{result['preset']} on {result['device']}, {result['threads']} threads, {result['machine']}; "
        f"{result['images']} images, {result['batch_size']} a step, {result['steps']} steps, "
        f"{result['workers']} workers{', bfloat16' if result['autocast'] else ''}."
    )


class _TimedTrainer(Trainer):
    """Keeps the seconds of forward and backward."""

    seconds: dict[str, float]

    def _forward(self, batch: Batch) -> dict[str, Tensor]:
        with self.timed("forward"):
            return super()._forward(batch)

    def _backward(self, loss: Tensor) -> None:
        with self.timed("backward"):
            super()._backward(loss)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        start = self.now()
        yield
        self.seconds[name] += self.now() - start

    def now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def _tell(progress: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _time(
    learner: Learner, config: TrainConfig, images: ConversationDataset, workers: int, tell: Callable[[int], None]
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        trainer = _TimedTrainer(
            learner,
            config,
            train=images,
            check=images,
            image_size=config.small_size,
            run=Path(folder),
            device=next(learner.model.parameters()).device,
            workers=workers,
        )
        trainer.seconds = dict.fromkeys(("forward", "backward", "batches"), 0.0)
        begin = trainer.now()
        batches = trainer.parts(0)
        for step in range(config.steps):
            if step == _WARM_STEPS:
                trainer.seconds, begin = dict.fromkeys(trainer.seconds, 0.0), trainer.now()
            with trainer.timed("batches"):
                parts = next(batches)
            trainer.step(step, parts)
            tell(step + 1)
        wall = trainer.now() - begin
    shares = {name: round(seconds / wall, 4) for name, seconds in trainer.seconds.items()}
    speed = (config.steps - _WARM_STEPS) * config.batch_size / wall
    return {"images_per_second": round(speed, 2), **shares, "rest": round(1 - sum(shares.values()), 4)}
