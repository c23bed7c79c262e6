"""A model between two rounds: fine-tuned on what the reader has labelled, judged, asked what to label next."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from prsmed.data import in_square, look
from prsmed.evaluation.answering import ask
from prsmed.evaluation.outcome import judge
from prsmed.inference import Uncertainty, measure
from prsmed.learning.adapt import AdaptConfig, adapt
from prsmed.learning.slices import Lesson
from prsmed.learning.strategies import BLIND, Strategy, in_order, measures_of, ranked, shuffled
from prsmed.model.checkpoint import load_checkpoint, save_checkpoint
from prsmed.model.prsmed import PRSMed
from prsmed.simulate.cases import Cases, question_about
from prsmed.simulate.settings import SimulationConfig

_BATCH = 8
Steps = Callable[[int, int], None]


def fit(
    start: Path, cases: Cases, labelled: Sequence[str], run: Path, config: SimulationConfig, seed: int, report: Steps
) -> PRSMed:
    """Fine-tune a checkpoint on labelled images, always from the start, as a server would; leaves nothing behind.

    Raises:
        PRSMedError: What :func:`~prsmed.learning.adapt.adapt` raises.
    """
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    lessons = [Lesson(cases.train[name]) for name in labelled]
    recipe = AdaptConfig(
        steps=config.steps, batch_size=config.batch_size, share=config.share, lr=config.lr, phantoms=50, seed=seed
    )
    checkpoint = adapt(start, lessons, cases.root, run, recipe, lambda now: report(now.step, now.steps))
    model = open_model(checkpoint)
    shutil.rmtree(run)
    return model


def first_checkpoint(checkpoint: Path, size: int | None, folder: Path) -> Path:
    """What a simulation begins with: a checkpoint, or its copy in ``folder`` that sees another square."""
    if size is None:
        return checkpoint
    model, manifest = load_checkpoint(checkpoint)
    assert isinstance(model, PRSMed)
    model.config = replace(model.config, image_size=size)
    save_checkpoint(model, folder, manifest.version, manifest.training)
    return folder


def open_model(checkpoint: Path) -> PRSMed:
    """A checkpoint's model."""
    model, _ = load_checkpoint(checkpoint)
    assert isinstance(model, PRSMed)
    return model


def dice_of(model: PRSMed, cases: Cases) -> float:
    """Mean Dice of the masks a user gets of the held-out images; an empty one counts 0."""
    outcomes = [judge(answered) for answered in ask(model, cases.test, cases.root)]
    return float(np.mean([outcome.dice for outcome in outcomes if outcome.dice is not None]))


def choose(
    model: PRSMed,
    cases: Cases,
    pool: Sequence[str],
    labelled: Sequence[str],
    strategy: Strategy,
    count: int,
    rng: np.random.Generator,
) -> list[str]:
    """Let a strategy choose the next images, one after the other, as readers are given them.

    Args:
        model: What it has learnt by now.
        cases: The images.
        pool: Names of the images that may be labelled.
        labelled: Those that are.
        strategy: Which.
        count: How many.
        rng: For ``random``.
    """
    free = [name for name in pool if name not in labelled]
    if strategy in BLIND:
        order = shuffled(free, rng) if strategy == "random" else in_order(free)
        return [choice.image for choice in order[:count]]
    doubts = _doubts(model, cases, pool, strategy)
    taken = [doubts[name].features for name in labelled]
    chosen: list[str] = []
    for _ in range(count):
        left = {name: doubts[name] for name in free if name not in chosen}
        best = ranked(strategy, left, taken)[0].image
        chosen.append(best)
        taken.append(doubts[best].features)
    return chosen


def _doubts(model: PRSMed, cases: Cases, names: Sequence[str], strategy: Strategy) -> dict[str, Uncertainty]:
    doubts: dict[str, Uncertainty] = {}
    for first in range(0, len(names), _BATCH):
        part = names[first : first + _BATCH]
        records = [cases.train[name] for name in part]
        size, color = model.config.image_size, model.config.pad_color
        images = [in_square(look(record, cases.root), size, color)[0] for record in records]
        pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        found = measure(model, pixels, [question_about(record) for record in records], measures_of(strategy))
        doubts.update(zip(part, found, strict=True))
    return doubts
