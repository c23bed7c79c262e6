"""The losses of PRS-Med section 3: BCE and Dice for the mask, cross-entropy for the answer; and presence."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """BCE plus Dice over images whose target is there; 0 for none.

    Where nothing is there is the presence head's to learn: pulling such masks down would only make the others timid.

    Args:
        logits: ``(B, 1, S, S)``.
        target: ``(B, 1, S, S)``, share of each pixel that is target, 0..1.
    """
    if logits.shape[0] == 0:
        return logits.sum()
    bce = nn.functional.binary_cross_entropy_with_logits(logits, target)
    probability = logits.sigmoid().flatten(1)
    truth = target.flatten(1)
    overlap = (probability * truth).sum(dim=1)
    dice = 1 - (2 * overlap + 1) / (probability.sum(dim=1) + truth.sum(dim=1) + 1)
    return bce + dice.mean()


def text_loss(logits: Tensor, ids: Tensor, is_real: Tensor) -> Tensor:
    """Cross-entropy over the answer's tokens, the end token included, padding and question excluded.

    Args:
        logits: ``(B, T, vocabulary)``, each predicting the token at its own place.
        ids: ``(B, T)``.
        is_real: ``(B, T)`` bool.
    """
    return nn.functional.cross_entropy(logits[is_real], ids[is_real])


def presence_loss(logits: Tensor, is_present: Tensor) -> Tensor:
    """Binary cross-entropy of ``logits`` ``(B,)`` with ``is_present`` ``(B,)``."""
    return nn.functional.binary_cross_entropy_with_logits(logits, is_present.to(torch.float32))
