"""What the model hands from step to step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from prsmed.model.encoder import ImageFeatures
from prsmed.model.language import Context

UNDRAWN = -20.0
"""Logit of what is not drawn at all: a probability of 2e-9."""


@dataclass(frozen=True)
class Seen:
    """An image the model has looked at: encoder features and the language model's prefix over it."""

    features: ImageFeatures
    prefix: Context

    @property
    def num_bytes(self) -> int:
        """Memory it holds."""
        tensors = (self.features.dense, *self.features.finer)
        return self.prefix.num_bytes + sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@dataclass(frozen=True)
class Segmented:
    """N masks of a batch of B questions.

    Attributes:
        mask_logits: ``(N, 1, S, S)``.
        presence_logits: ``(B,)``.
        row_of: ``(N,)`` the question a mask belongs to, ascending.
    """

    mask_logits: Tensor
    presence_logits: Tensor
    row_of: Tensor

    def merged(self) -> Segmented:
        """One mask a question: of several the surer one at each pixel, of none an undrawn one."""
        rows = self.presence_logits.shape[0]
        if self.row_of.shape[0] == rows and bool((self.row_of == torch.arange(rows, device=self.row_of.device)).all()):
            return self
        logits = self.mask_logits.new_full((rows, *self.mask_logits.shape[1:]), UNDRAWN)
        place = self.row_of.view(-1, 1, 1, 1).expand_as(self.mask_logits)
        logits = logits.scatter_reduce(0, place, self.mask_logits, "amax")
        return Segmented(logits, self.presence_logits, torch.arange(rows, device=self.row_of.device))


@dataclass(frozen=True)
class Output:
    """One training pass (:meth:`~prsmed.model.prsmed.PRSMed.forward`)."""

    segmented: Segmented
    text_logits: Tensor
    coarse_logits: Tensor | None = None
