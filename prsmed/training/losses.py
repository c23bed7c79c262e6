"""The losses of PRS-Med section 3: BCE and Dice for the mask, cross-entropy for the answer; and presence.

And that of the authors' released code for the mask, which is another (research only: to compare).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

_BORDER, _WINDOW = 5.0, 31


def mask_loss(logits: Tensor, target: Tensor, there: Tensor | None = None, kind: str = "bce_dice") -> Tensor:
    """Mean over images whose target is there; 0 for none. In float32 whatever the logits are.

    Where nothing is there is the presence head's to learn: pulling such masks down would only make the others timid.

    Args:
        logits: ``(B, 1, S, S)``.
        target: ``(B, 1, S, S)``, share of each pixel that is target, 0..1.
        there: ``(B,)`` bool, which images count; all of them when ``None``.
        kind: ``"bce_dice"`` as the paper says, ``"structure"`` as its released code does.
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    each = KINDS[kind](logits, target.to(logits.dtype))
    if there is None:
        there = torch.ones_like(each)
    return (each * there).sum() / there.sum().clamp(min=1)


def bce_dice(logits: Tensor, target: Tensor) -> Tensor:
    """BCE plus soft Dice loss of each image, ``(B,)``."""
    probability, truth = logits.sigmoid().flatten(1), target.flatten(1)
    overlap = (probability * truth).sum(dim=1)
    dice = 1 - (2 * overlap + 1) / (probability.sum(dim=1) + truth.sum(dim=1) + 1)
    return _bce(logits, target) + dice


def structure(logits: Tensor, target: Tensor) -> Tensor:
    """``structure_loss`` of the authors' code, as it runs: BCE plus an IoU loss that weighs borders more, ``(B,)``.

    It was meant to weigh the BCE too; a string given for a flag makes that a plain mean.
    """
    near = nn.functional.avg_pool2d(target, _WINDOW, stride=1, padding=_WINDOW // 2)
    weight = 1 + _BORDER * (near - target).abs()
    probability = logits.sigmoid()
    inter = (probability * target * weight).flatten(1).sum(dim=1)
    union = ((probability + target) * weight).flatten(1).sum(dim=1)
    return _bce(logits, target) + 1 - (inter + 1) / (union - inter + 1)


KINDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"bce_dice": bce_dice, "structure": structure}


def text_loss(logits: Tensor, ids: Tensor, is_real: Tensor) -> Tensor:
    """Cross-entropy over the answer's tokens, the end token included, padding and question excluded.

    Args:
        logits: ``(B, T, vocabulary)``, each predicting the token at its own place.
        ids: ``(B, T)``.
        is_real: ``(B, T)`` bool.
    """
    # Padding is masked, not cut out: how much there is of it would have to be fetched from a GPU.
    return nn.functional.cross_entropy(logits.flatten(0, 1), ids.masked_fill(~is_real, -100).flatten())


def presence_loss(logits: Tensor, is_present: Tensor) -> Tensor:
    """Binary cross-entropy of ``logits`` ``(B,)`` with ``is_present`` ``(B,)``."""
    return nn.functional.binary_cross_entropy_with_logits(logits.float(), is_present.to(torch.float32))


def shrink(mask: Tensor, like: Tensor) -> Tensor:
    """A mask ``(B, 1, S, S)`` as the share of target in each pixel of ``like``, ``(B, 1, h, w)``."""
    height, width = like.shape[-2:]
    return nn.functional.adaptive_avg_pool2d(mask, (height, width))


def _bce(logits: Tensor, target: Tensor) -> Tensor:
    each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return each.flatten(1).mean(dim=1)
