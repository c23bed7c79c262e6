"""Samples become tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prsmed.data import Sample
from prsmed.model.language import TokenBatch


@dataclass(frozen=True)
class Batch:
    """B images and T >= B turns: the first B are about the images' own targets, in order.

    Attributes:
        pixels: ``(B, 3, S, S)``; 0..1, and bytes until :meth:`to` has brought them to their device.
        mask: ``(B, 1, S, S)`` 0 or 1; bytes as ``pixels``.
        questions: T questions.
        answers: T answers.
        image_of: ``(T,)`` which image a turn is about.
        is_present: ``(T,)`` bool, whether what is asked for is there.
        is_replay: ``(B,)`` bool, images shown again to a model that is to learn something else.
        coins: ``(B,)`` in 0..1, one drawn for each image, for what a learner leaves to chance.
        prompt, reply: The tokens of questions and answers, once a learner has made them.
        counts: Over how many items each loss is a mean, once a learner has counted them.
    """

    pixels: Tensor
    mask: Tensor
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    image_of: Tensor
    is_present: Tensor
    is_replay: Tensor
    coins: Tensor
    prompt: TokenBatch | None = None
    reply: TokenBatch | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def to(self, device: torch.device) -> Batch:
        """The same on its device, pixels and mask as numbers in 0..1."""
        batch = self._map(lambda tensor: tensor.to(device, non_blocking=True))
        if batch.pixels.dtype != torch.uint8:
            return batch
        return replace(batch, pixels=batch.pixels.float() / 255, mask=batch.mask.float())

    def pin_memory(self) -> Batch:
        """The same in memory that a GPU reads by itself (called by torch's loader)."""
        return self._map(torch.Tensor.pin_memory)

    @property
    def has_mask(self) -> Tensor:
        """``(B,)`` bool: images whose own target is there."""
        return self.is_present[: self.mask.shape[0]]

    def _map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        changed: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Tensor):
                changed[item.name] = change(value)
            elif isinstance(value, TokenBatch):
                changed[item.name] = TokenBatch(change(value.ids), change(value.is_real))
        return replace(self, **changed)


def stack(samples: Sequence[Sample], coins: Sequence[float] | None = None) -> Batch:
    """Put samples of one size into a batch, on the CPU; without ``coins`` they are 0."""
    pixels = torch.from_numpy(np.stack([sample.pixels for sample in samples]))
    mask = torch.from_numpy(np.stack([sample.mask for sample in samples]))
    extra = [(number, sample.absent) for number, sample in enumerate(samples) if sample.absent is not None]
    turns = [sample.turn for sample in samples] + [turn for _, turn in extra]
    # (B, S, S, 3) bytes seen as (B, 3, S, S): already the channels-last layout that convolutions like on a CPU.
    return Batch(
        pixels=pixels.permute(0, 3, 1, 2),
        mask=(mask > 0).to(torch.uint8).unsqueeze(1),
        questions=tuple(turn.question for turn in turns),
        answers=tuple(turn.answer for turn in turns),
        image_of=torch.tensor([*range(len(samples)), *(number for number, _ in extra)]),
        is_present=torch.tensor([turn.present for turn in turns]),
        is_replay=torch.tensor([sample.is_replay for sample in samples]),
        coins=torch.tensor([0.0] * len(samples) if coins is None else list(coins)),
    )
