"""Samples become tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prsmed.data import Sample


@dataclass(frozen=True)
class Batch:
    """``pixels`` ``(B, 3, S, S)`` in 0..1, ``mask`` ``(B, 1, S, S)`` 0 or 1, and the words."""

    pixels: Tensor
    mask: Tensor
    questions: tuple[str, ...]
    answers: tuple[str, ...]

    @property
    def is_present(self) -> Tensor:
        """``(B,)`` bool: whose target is there."""
        return self.mask.flatten(1).any(dim=1)


def stack(samples: Sequence[Sample], device: torch.device) -> Batch:
    """Put samples of one size into a batch."""
    pixels = torch.from_numpy(np.stack([sample.pixels for sample in samples])).to(device)
    mask = torch.from_numpy(np.stack([sample.mask for sample in samples])).to(device)
    # (B, S, S, 3) bytes seen as (B, 3, S, S): already channels-last, which convolutions like on a CPU.
    return Batch(
        pixels.permute(0, 3, 1, 2).float() / 255,
        (mask > 0).float().unsqueeze(1),
        tuple(sample.turn.question for sample in samples),
        tuple(sample.turn.answer for sample in samples),
    )
