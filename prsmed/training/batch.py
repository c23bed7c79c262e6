"""Samples become tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from prsmed.data import Sample


@dataclass(frozen=True)
class Batch:
    """B images and T >= B turns: the first B are about the images' own targets, in order.

    Attributes:
        pixels: ``(B, 3, S, S)`` in 0..1.
        mask: ``(B, 1, S, S)`` 0 or 1.
        questions: T questions.
        answers: T answers.
        image_of: ``(T,)`` which image a turn is about.
        is_present: ``(T,)`` bool, whether what is asked for is there.
    """

    pixels: Tensor
    mask: Tensor
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    image_of: Tensor
    is_present: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return replace(
            self,
            pixels=self.pixels.to(device),
            mask=self.mask.to(device),
            image_of=self.image_of.to(device),
            is_present=self.is_present.to(device),
        )

    @property
    def has_mask(self) -> Tensor:
        """``(B,)`` bool: images whose own target is there."""
        return self.is_present[: self.mask.shape[0]]


def stack(samples: Sequence[Sample]) -> Batch:
    """Put samples of one size into a batch, on the CPU."""
    pixels = torch.from_numpy(np.stack([sample.pixels for sample in samples]))
    mask = torch.from_numpy(np.stack([sample.mask for sample in samples]))
    extra = [(number, sample.absent) for number, sample in enumerate(samples) if sample.absent is not None]
    turns = [sample.turn for sample in samples] + [turn for _, turn in extra]
    # (B, S, S, 3) bytes seen as (B, 3, S, S): already the channels-last layout that convolutions like on a CPU.
    return Batch(
        pixels=pixels.permute(0, 3, 1, 2).float() / 255,
        mask=(mask > 0).float().unsqueeze(1),
        questions=tuple(turn.question for turn in turns),
        answers=tuple(turn.answer for turn in turns),
        image_of=torch.tensor([*range(len(samples)), *(number for number, _ in extra)]),
        is_present=torch.tensor([turn.present for turn in turns]),
    )
