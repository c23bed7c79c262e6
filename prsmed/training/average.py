"""A running average of the weights: steadier than the last step's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from prsmed.model.checkpoint import own_state


class Average:
    """Exponential moving average of what a checkpoint holds, batch norm's statistics included.

    Args:
        model: Stands where it will be trained; the average begins as it is now.
        decay: How much of the average stays at a step; less at the beginning, so that the first weights are forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._live = {name: tensor.detach() for name, tensor in own_state(model).items()}
        self.tensors = {name: tensor.clone() for name, tensor in self._live.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after ``step`` steps."""
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        for name, average in self.tensors.items():
            if average.is_floating_point():
                average.lerp_(self._live[name], share)
            else:
                average.copy_(self._live[name])

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The model has the average's weights within the block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, average in self.tensors.items():
            live = self._live[name]
            kept: Tensor = live.clone()
            live.copy_(average)
            average.copy_(kept)
