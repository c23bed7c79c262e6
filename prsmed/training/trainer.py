"""The training loop: seeded, resumable, with a log of curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from prsmed.data import ConversationDataset, balanced_order
from prsmed.errors import PRSMedError
from prsmed.training.batch import Batch, stack
from prsmed.training.config import TrainConfig
from prsmed.training.curves import CurveLog
from prsmed.training.learner import Learner
from prsmed.training.state import load_state, save_state

SAVE_EVERY, CHECK_EVERY, CHECK_IMAGES = 200, 200, 96


@dataclass(frozen=True)
class Progress:
    """Where a run stands: shown by progress bars and written to ``log.jsonl``."""

    step: int
    steps: int
    losses: dict[str, float]
    dice: float | None = None


class Trainer:
    """Runs a learner over a dataset.

    What happens at a step depends on the settings and the step alone (sample choice, variation and dropout
    are seeded by it), so a run that was killed and resumed ends with the weights of one that was not.

    Args:
        learner: Model and losses.
        train: Training samples.
        check: Held-out samples for the curve; never trained on, nothing is selected by them.
        image_size: The model's own square.
        run: Folder for state and ``log.jsonl``.
        device: Where the model is.
        workers: Processes that make batches ahead; a run is the same with any number of them.
    """

    def __init__(
        self,
        learner: Learner,
        config: TrainConfig,
        *,
        train: ConversationDataset,
        check: ConversationDataset,
        image_size: int,
        run: Path,
        device: torch.device,
        workers: int = 0,
    ) -> None:
        self.learner, self.config = learner, config
        self.train, self.check = train, check
        self.image_size, self.run_folder, self.device, self.workers = image_size, run, device, workers
        self.optimizer = _optimizer(learner.model, config)
        self._orders: dict[int, NDArray[np.int64]] = {}

    def run(self, facts: dict[str, Any], report: Callable[[Progress], None]) -> None:
        """Train to the end, from the last saved state when there is one.

        Raises:
            PRSMedError: ``other_run`` for a state of other settings, ``diverged`` when a loss is not finite.
        """
        model = self.learner.model
        start = load_state(self.run_folder, model, self.optimizer, facts)
        log = CurveLog(self.run_folder, start)
        for step, batch in enumerate(self._batches(start), start):
            losses = self._step(step, batch)
            done = step + 1
            is_last = done == self.config.steps
            dice = self._check() if done % CHECK_EVERY == 0 or is_last else None
            progress = Progress(done, self.config.steps, losses, dice)
            if dice is not None:
                log.add({"step": done, "size": self._size(step), **losses, "dice": dice})
            report(progress)
            if done % SAVE_EVERY == 0 or is_last:
                save_state(self.run_folder, done, model, self.optimizer, facts)

    def _batches(self, start: int) -> Iterator[Batch]:
        steps = range(start, self.config.steps)
        loader = DataLoader(_Steps(self._batch), batch_size=None, sampler=steps, num_workers=self.workers)
        return (batch.to(self.device) for batch in loader)

    def _step(self, step: int, batch: Batch) -> dict[str, float]:
        torch.manual_seed(self.config.seed * 1_000_003 + step)
        for group in self.optimizer.param_groups:
            group["lr"] = self._lr(step)
        self.learner.model.train()
        on_gpu = self.config.autocast and self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=on_gpu):
            losses = self.learner.losses(batch)
        total: Tensor = torch.stack(list(losses.values())).sum()
        _check_finite(total, "loss", step)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        norm = nn.utils.clip_grad_norm_(self.learner.model.parameters(), self.config.clip_norm)
        _check_finite(norm, "gradient", step)
        self.optimizer.step()
        return {name: round(loss.item(), 4) for name, loss in losses.items()}

    def _size(self, step: int) -> int:
        return self.config.small_size if step < self.config.small_share * self.config.steps else self.image_size

    def _lr(self, step: int) -> float:
        if step < self.config.warmup:
            return self.config.lr * (step + 1) / self.config.warmup
        done = (step - self.config.warmup) / max(1, self.config.steps - self.config.warmup)
        return self.config.lr * 0.5 * (1 + math.cos(math.pi * done))

    def _batch(self, step: int) -> Batch:
        self.train.set_size(self._size(step))
        first = step * self.config.batch_size
        picks = [self._pick(first + offset) for offset in range(self.config.batch_size)]
        return stack([self.train.sample(index, epoch) for index, epoch in picks])

    def _pick(self, number: int) -> tuple[int, int]:
        """Index and epoch of the ``number``-th sample of the run."""
        length = len(self._order(0))
        epoch = number // length
        return int(self._order(epoch)[number % length]), epoch

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch not in self._orders:
            self._orders = {key: self._orders[key] for key in self._orders if key in (0, epoch - 1)}
            self._orders[epoch] = balanced_order(self.train.records, epoch, self.config.seed)
        return self._orders[epoch]

    @torch.no_grad()
    def _check(self) -> float:
        """Mean Dice over a fixed handful of held-out images, for the curve."""
        self.learner.model.eval()
        order = balanced_order(self.check.records, 0, self.config.seed)[:CHECK_IMAGES]
        scores: list[float] = []
        for first in range(0, len(order), self.config.batch_size):
            chosen = order[first : first + self.config.batch_size]
            batch = stack([self.check.sample(int(index), 0) for index in chosen]).to(self.device)
            predicted, truth = self.learner.predict(batch).flatten(1), batch.mask.flatten(1) > 0
            both = (predicted & truth).sum(dim=1)
            dice = 2 * both / (predicted.sum(dim=1) + truth.sum(dim=1)).clamp(min=1)
            scores += dice[batch.has_mask].tolist()
        return round(float(np.mean(scores)), 4) if scores else 0.0


class _Steps(Dataset[Batch]):
    """The batch of each step."""

    def __init__(self, make: Callable[[int], Batch]) -> None:
        self._make = make

    def __getitem__(self, step: int) -> Batch:
        return self._make(step)


def _check_finite(value: Tensor, what: str, step: int) -> None:
    if not torch.isfinite(value):
        raise PRSMedError(
            "diverged",
            f"the {what} is {value.item()} at step {step + 1}; the last good state is kept: "
            "resume it with a smaller --lr in a copy of the run",
        )


def _optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; norms, biases and other vectors do not decay."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr)
