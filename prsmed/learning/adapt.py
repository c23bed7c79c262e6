"""Fine-tune a checkpoint on corrections, without it forgetting what it knew."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from prsmed.data import ConversationDataset, Record, phantom_records, read_pairs
from prsmed.data.sources import INDEX
from prsmed.errors import PRSMedError
from prsmed.learning.lessons import LessonDataset, Mixture
from prsmed.learning.recall import RecallingLearner
from prsmed.learning.slices import Lesson
from prsmed.model.checkpoint import load_checkpoint, save_checkpoint
from prsmed.model.prsmed import PRSMed
from prsmed.training.batch import stack
from prsmed.training.config import TrainConfig
from prsmed.training.norms import train_mode
from prsmed.training.trainer import Progress, Trainer

_TIMED_STEPS, _CHECK_EVERY = 2, 50


@dataclass(frozen=True)
class AdaptConfig:
    """How a checkpoint is fine-tuned.

    Attributes:
        steps: Optimiser steps.
        seconds: Time to train in; fewer steps are made where ``steps`` would take longer.
        lr: Peak learning rate; ``None`` for 0.3 of the one that the preset was trained with.
        batch_size: Pictures a step.
        share: Of the corrections among them; the others are replay.
        way: How far from the old weights to the new ones the checkpoint lies, 1 for all the way.
        phantoms: How many drawn images are among the replay, which need no data.
        seed: Another seed draws other samples.
    """

    steps: int = 160
    seconds: float | None = None
    lr: float | None = None
    batch_size: int = 16
    share: float = 0.25
    way: float = 0.7
    phantoms: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("share", "way"):
            if not 0 < getattr(self, name) <= 1:
                raise PRSMedError("bad_training", f"{name} is {getattr(self, name)}; it must be above 0 and at most 1")
        if self.seconds is not None and self.seconds <= 0:
            raise PRSMedError("bad_training", f"seconds is {self.seconds}; it must be greater than 0")


def adapt(
    start: Path,
    lessons: Sequence[Lesson],
    pictures: Path,
    run: Path,
    config: AdaptConfig,
    report: Callable[[Progress], None],
    *,
    check: Sequence[Lesson] = (),
    replay: Path | None = None,
    device: str = "cpu",
) -> Path:
    """Fine-tune a checkpoint.

    The statistics of batch norm stay. The weights that are kept are on the way to an average over the steps.

    Args:
        start: The checkpoint's folder.
        lessons: What to learn.
        pictures: Their folder.
        run: Folder for the run's state and the new checkpoint.
        config: Steps, rate, shares.
        report: Called after every step.
        check: Lessons for the curve; never trained on.
        replay: Folder with ``pairs/index.csv``, images like those that the preset was trained on.
        device: Torch device.

    Returns:
        Folder of the new checkpoint.

    Raises:
        PRSMedError: ``bad_checkpoint``; ``bad_training``; ``diverged``; what a file of the replay is refused with.
    """
    model, manifest = load_checkpoint(start)
    if not isinstance(model, PRSMed):
        raise PRSMedError("bad_checkpoint", f"a {manifest.kind!r} model reads no questions; choose a prsmed checkpoint")
    run.mkdir(parents=True, exist_ok=True)
    model.to(torch.device(device))
    taught: dict[str, Any] = {"radius": model.config.radius, "pad_color": model.config.pad_color, "seed": config.seed}
    size = model.config.image_size
    own = LessonDataset(lessons, pictures, size, augment=True, **taught)
    old = ConversationDataset(_replay(replay, config), replay or Path(), size, augment=True, **taught)
    mixture = Mixture(own, old, config.share)
    learner = RecallingLearner(model, _recipe(model, config))
    if config.seconds is not None:
        learner.config = _in_time(learner, mixture, config.seconds)
    trainer = Trainer(
        learner,
        learner.config,
        train=mixture,
        check=LessonDataset(check or lessons[:1], pictures, size, **taught),
        image_size=size,
        run=run,
        device=torch.device(device),
        check_every=_CHECK_EVERY,
    )
    facts = {**manifest.training, "adapted": {**learner.config.to_json(), "share": config.share, "way": config.way}}
    trainer.run(facts, report)
    learner.return_towards_before(1 - config.way)
    save_checkpoint(model, run / "checkpoint", manifest.version, facts)
    return run / "checkpoint"


def _recipe(model: PRSMed, config: AdaptConfig) -> TrainConfig:
    taught = TrainConfig.recipe(model.config)
    return replace(
        taught,
        steps=config.steps,
        batch_size=config.batch_size,
        lr=0.3 * taught.lr if config.lr is None else config.lr,
        warmup=max(1, config.steps // 10),
        # What sees and what reads change least: all that is known hangs on them.
        encoder_lr=0.3 * taught.encoder_lr,
        language_lr=0.5 * taught.language_lr,
        # Whether a target is there that nobody asked for before is learnt last.
        presence_weight=2 * taught.presence_weight,
        small_share=0.0,
        batch_norm="frozen",
        ema=0.98,
        select="last",
        language_steps=0,
        seed=config.seed,
    )


def _replay(folder: Path | None, config: AdaptConfig) -> list[Record]:
    """Training images of what the preset knows: the published ones where they are, and drawn ones."""
    real = read_pairs(folder) if folder is not None and (folder / INDEX).is_file() else []
    return [record for record in [*real, *phantom_records(config.phantoms, config.seed)] if record.split == "train"]


def _in_time(learner: RecallingLearner, samples: Mixture, seconds: float) -> TrainConfig:
    """The recipe with as many steps as fit, by how long a few take."""
    steps = min(learner.config.steps, max(1, int(seconds / _step_seconds(learner, samples))))
    return replace(learner.config, steps=steps, warmup=max(1, steps // 10))


def _step_seconds(learner: RecallingLearner, samples: Mixture) -> float:
    train_mode(learner.model, frozen=True)
    order, count = samples.order(0), learner.config.batch_size
    for _ in range(_TIMED_STEPS):  # the first one makes ready
        began = time.monotonic()
        batch = stack([samples.sample(int(index), 0) for index in order[:count]])
        losses = learner.losses(learner.prepare(batch).to(learner.model.device))
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        took = time.monotonic() - began
    learner.model.zero_grad(set_to_none=True)
    return took
