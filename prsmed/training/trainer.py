"""The training loop: seeded, resumable, in one process or many, with a log of curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prsmed.data import Samples
from prsmed.errors import PRSMedError
from prsmed.model.checkpoint import own_state
from prsmed.model.language import LanguageModel
from prsmed.model.prsmed import PRSMed
from prsmed.model.recompute import recompute_layers
from prsmed.training.average import Average
from prsmed.training.batch import Batch
from prsmed.training.check import mean_dice
from prsmed.training.config import TrainConfig
from prsmed.training.curves import CurveLog
from prsmed.training.feed import Feed
from prsmed.training.learner import Learner
from prsmed.training.norms import share_statistics, train_mode
from prsmed.training.optimizer import make_optimizer, set_rate
from prsmed.training.processes import Processes
from prsmed.training.shards import fill, shard, whole
from prsmed.training.state import BEST, Best, State, collect, read_state, restore, save_state

SAVE_EVERY, CHECK_EVERY, CHECK_IMAGES, SELECT_IMAGES = 200, 200, 96, 192


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
        check: Samples for the curve; never trained on. Weights are selected by them when the recipe says so.
        image_size: The model's own square.
        run: Folder for state, ``log.jsonl`` and TensorBoard's files.
        device: Where the model is.
        workers: Processes that make batches ahead; a run is the same with any number of them.
        processes: Those that train together; this one alone when ``None``.
        shards: Whether they share the weights between them (:mod:`prsmed.training.shards`).
        check_every: Steps from one check to the next; there is one at the end too. 200 when ``None``.
    """

    def __init__(
        self,
        learner: Learner,
        config: TrainConfig,
        *,
        train: Samples,
        check: Samples,
        image_size: int,
        run: Path,
        device: torch.device,
        workers: int = 0,
        processes: Processes | None = None,
        shards: bool = False,
        check_every: int | None = None,
    ) -> None:
        self.learner, self.config = learner, config
        self.check, self.run_folder, self.device, self.workers = check, run, device, workers
        self.processes = processes or Processes(device)
        self.feed = Feed(learner, train, config, image_size, self.processes.rank, self.processes.count)
        self._is_frozen, self._is_sharded = config.batch_norm == "frozen", shards
        if self.processes.count > 1 and not self._is_frozen:
            share_statistics(learner.model, device)
        if config.recompute:
            recompute_layers(_language(learner.model))
        if shards:
            assert isinstance(learner.model, PRSMed)
            shard(learner.model, self.processes)
        self.optimizer = make_optimizer(learner.model, config)
        self._check_every = check_every or CHECK_EVERY
        self.average: Average | None = None
        self.best: Best | None = None

    def run(self, facts: dict[str, Any], report: Callable[[Progress], None]) -> None:
        """Train to the end, from the last saved state when there is one; the model then has the weights to be kept.

        Raises:
            PRSMedError: ``other_run`` for a state of other settings, ``diverged`` when a loss is not finite.
        """
        start = self._begin(facts)
        with CurveLog(self.run_folder, start, writes=self.processes.is_first) as log:
            for step, parts in enumerate(self.parts(start), start):
                losses = self.step(step, parts)
                done = step + 1
                is_last = done == self.config.steps
                dice = self._check() if done % self._check_every == 0 or is_last else None
                log.add(done, self.feed.size(step), self.optimizer.param_groups[0]["lr"], losses, dice)
                report(Progress(done, self.config.steps, losses, dice))
                if done % SAVE_EVERY == 0 or dice is not None:
                    self._save(done, facts, dice)
        self._finish(facts)

    def _begin(self, facts: dict[str, Any]) -> int:
        """Bring the last state back, for all processes; returns its step."""
        if self.processes.is_first:
            state = read_state(self.run_folder, facts)  # puts a half-moved one in its place
        self.processes.wait()
        if not self.processes.is_first:
            state = read_state(self.run_folder, facts)
        if not self._is_sharded:
            self.processes.take_from_first(own_state(self.learner.model).values())
        self.average = Average(self.learner.model, self.config.ema) if self.config.ema else None
        if state is None:
            return 0
        restore(state, self.learner.model, self.optimizer, self.average)
        self.best = state.best
        return state.step

    def parts(self, start: int) -> Iterator[list[Batch]]:
        """The batches of each step, on the CPU."""
        if start == self.config.steps:
            return
        if self.workers:
            self.feed.data.preload()
        parts: list[Batch] = []
        for batch in self.feed.batches(start, self.workers, pin=self.device.type == "cuda"):
            parts.append(batch)
            if len(parts) == self.config.accumulate:
                yield parts
                parts = []

    def step(self, step: int, parts: list[Batch]) -> dict[str, float]:
        """Learn from the batches of a step; returns the losses over all processes.

        Raises:
            PRSMedError: ``diverged``; the weights are then as before.
        """
        set_rate(self.optimizer, self.config, step)
        train_mode(self.learner.model, frozen=self._is_frozen)
        self.optimizer.zero_grad(set_to_none=True)
        whole_counts = self._counts(parts)
        told: dict[str, Tensor] = {}
        for number, batch in enumerate(parts):
            place = self.processes.rank * len(parts) + number
            torch.manual_seed((self.config.seed * 1_000_003 + step) * self._shares + place)
            for name, loss in self._learn(batch, whole_counts).items():
                told[name] = told[name] + loss if name in told else loss
        norm = self._clip()
        names = sorted(told)
        values = self.processes.sum(torch.stack([told[name] for name in names]))
        *sums, length = torch.cat([values, norm.view(1)]).tolist()  # the one time a step that the GPU is waited for
        losses = dict(zip(names, sums, strict=True))
        _check_finite({**losses, "gradient": length}, step)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(step + 1)
        return {name: round(loss, 4) for name, loss in losses.items()}

    @property
    def _shares(self) -> int:
        """In how many parts a step's images are gone through."""
        return self.processes.count * self.config.accumulate

    def _counts(self, parts: list[Batch]) -> dict[str, int]:
        """Over how many items each loss of the whole step is a mean."""
        names = list(parts[0].counts)
        own = [sum(batch.counts[name] for batch in parts) for name in names]
        if self.processes.count > 1:
            own = self.processes.sum(torch.tensor(own, dtype=torch.long, device=self.device)).tolist()
        return dict(zip(names, own, strict=True))

    def _learn(self, batch: Batch, counts: dict[str, int]) -> dict[str, Tensor]:
        """Add the gradient of a part; returns its share in each loss of the step."""
        losses = self._forward(batch.to(self.device))
        shares = {name: batch.counts[name] / max(1, counts[name]) for name in counts}
        told = {name: loss * shares.get(name, 1 / self._shares) for name, loss in losses.items()}
        # Spread weights take the mean of all processes' gradients, where the sum is wanted.
        factor = self.processes.count if self._is_sharded else 1
        self._backward(factor * torch.stack(list(told.values())).sum())
        return {name: loss.detach() for name, loss in told.items()}

    def _forward(self, batch: Batch) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._autocasts):
            return self.learner.losses(batch)

    def _backward(self, loss: Tensor) -> None:
        torch.autograd.backward(loss)

    @property
    def _autocasts(self) -> bool:
        return self.config.autocast and has_bfloat16(self.device)

    def _clip(self) -> Tensor:
        """Shorten the gradient of all processes where it is too long; returns its length."""
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        if not self._is_sharded:
            self.processes.sum_gradients(weights)
        return whole(nn.utils.clip_grad_norm_(weights, self.config.clip_norm))

    def _check(self) -> float:
        """Mean Dice over a fixed handful of images, of the weights that would be kept."""
        count = CHECK_IMAGES if self.config.select == "last" else SELECT_IMAGES
        with nullcontext() if self.average is None else self.average.shown():
            dice = mean_dice(self.learner, self.check, count, self.feed.at_once, self.device)
        mean = torch.tensor(dice, device=self.device)
        self.processes.take_from_first([mean])
        return round(mean.item(), 4)

    def _save(self, done: int, facts: dict[str, Any], dice: float | None) -> None:
        is_best = self.config.select != "last" and dice is not None and (self.best is None or dice > self.best.dice)
        if is_best and dice is not None:
            self.best = Best(done, dice)
        tensors = collect(self.learner.model, self.optimizer, self.average, is_best)
        if self.processes.is_first:
            save_state(self.run_folder, done, tensors, facts, self.best)
        self.processes.wait()

    def _finish(self, facts: dict[str, Any]) -> None:
        """Give the model the weights to be kept: the best, or the average, or the last."""
        if self.best is None and self.average is None:
            return
        state = read_state(self.run_folder, facts)
        assert isinstance(state, State)
        fill(own_state(self.learner.model), state.tensors["average" if self.best is None else BEST])


def _language(model: nn.Module) -> LanguageModel:
    if not isinstance(model, PRSMed):
        raise PRSMedError("bad_training", "recompute is for presets with an imported language model; leave it out")
    return model.language


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes in bfloat16 itself, instead of slowly imitating it."""
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported())
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def _check_finite(values: dict[str, float], step: int) -> None:
    for name, value in values.items():
        if not np.isfinite(value):
            what = name if name == "gradient" else f"loss of the {name}"
            raise PRSMedError(
                "diverged",
                f"the {what} is {value} at step {step + 1}; the last good state is kept: "
                "resume it with a smaller --lr in a copy of the run",
            )
