"""The processes that train one model together: one, or those a launcher has started (docs/training.md)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from accelerate import PartialState
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """Who trains.

    Attributes:
        device: Where this process computes.
        rank: Which process this is, from 0; the first writes the files.
        count: How many there are.
    """

    device: torch.device
    rank: int = 0
    count: int = 1

    @classmethod
    def launched(cls, device: str) -> Processes:
        """Those the launcher has started, each on a device of its own of that kind; this one alone without one."""
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls(torch.device(device))
        state = PartialState(cpu=device == "cpu")
        return cls(state.device, state.process_index, state.num_processes)

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.count > 1:
            dist.barrier()

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def take_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Make tensors those of the first process, in place."""
        if self.count > 1:
            for tensor in tensors:
                dist.broadcast(tensor.data, src=0)

    def sum_gradients(self, weights: Sequence[Tensor]) -> None:
        """Make each gradient the sum over all processes; what none has a gradient of stays without one."""
        if self.count == 1:
            return
        used = self.sum(torch.tensor([float(weight.grad is not None) for weight in weights], device=self.device))
        shared = [weight for weight, count in zip(weights, used.tolist(), strict=True) if count]
        if not shared:
            return
        grads = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in shared]
        summed = self.sum(torch.cat([grad.flatten() for grad in grads]))
        for weight, grad in zip(shared, torch.split(summed, [grad.numel() for grad in grads]), strict=True):
            weight.grad = grad.view_as(weight)
