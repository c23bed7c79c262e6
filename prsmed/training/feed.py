"""What a run goes through, in its order: the same whoever makes the batches, and when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from prsmed.data import Samples
from prsmed.training.batch import Batch, stack
from prsmed.training.config import TrainConfig
from prsmed.training.learner import Learner

_AHEAD = 4
_COIN = 0xC014  # keeps the coins apart from the samples' own random numbers


class Feed(Dataset[Batch]):
    """The prepared batches of one process, ``config.accumulate`` of them a step.

    What is in a batch depends on the settings and its number alone. The images of a step are the same however many
    processes share them and in however many parts.

    Args:
        learner: Prepares the batches.
        data: Training samples.
        config: The recipe.
        image_size: The model's own square.
        process, processes: Which one this is, of how many.
    """

    def __init__(
        self,
        learner: Learner,
        data: Samples,
        config: TrainConfig,
        image_size: int,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.learner, self.data, self.config, self.image_size = learner, data, config, image_size
        self.process, self.processes = process, processes
        self.at_once = config.images_at_once(processes)
        self._orders: dict[int, NDArray[np.int64]] = {}

    def size(self, step: int) -> int:
        """Side of the square at a step, in pixels."""
        config = self.config
        return config.small_size if step < config.small_share * config.steps else self.image_size

    def batches(self, start: int, workers: int, pin: bool) -> DataLoader[Batch]:
        """The batches of all steps from ``start`` on, made ahead by so many worker processes."""
        parts = range(start * self.config.accumulate, self.config.steps * self.config.accumulate)
        ahead = _AHEAD if workers else None
        return DataLoader(
            self, batch_size=None, sampler=parts, num_workers=workers, prefetch_factor=ahead, pin_memory=pin
        )

    def __getitem__(self, number: int) -> Batch:
        step, part = divmod(number, self.config.accumulate)
        self.data.set_size(self.size(step))
        first = step * self.config.batch_size + (part * self.processes + self.process) * self.at_once
        numbers = range(first, first + self.at_once)
        samples = [self.data.sample(*self._pick(one)) for one in numbers]
        coins = [np.random.default_rng([self.config.seed, _COIN, one]).random() for one in numbers]
        return self.learner.prepare(stack(samples, coins))

    def _pick(self, number: int) -> tuple[int, int]:
        """Index and epoch of the ``number``-th sample of the run."""
        length = len(self._order(0))
        epoch = number // length
        return int(self._order(epoch)[number % length]), epoch

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch not in self._orders:
            self._orders = {key: self._orders[key] for key in self._orders if key in (0, epoch - 1)}
            self._orders[epoch] = self.data.order(epoch)
        return self._orders[epoch]
