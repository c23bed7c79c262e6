"""A model that only answers: what it computes stays, but for rounding, and takes less time."""

from __future__ import annotations

from itertools import pairwise

import torch
from timm.models.tiny_vit import Attention
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def prepare_to_answer(model: nn.Module, device: torch.device) -> None:
    """Change a model in place that is to answer on ``device``. It cannot be taught any more.

    Raises:
        AssertionError: The model is in training mode.
    """
    fold_batch_norms(model)
    if device.type == "cpu":
        # torch has no fused kernel for TinyViT's three-dimensional bias there; its way around is slower than timm's.
        for module in model.modules():
            if isinstance(module, Attention):
                module.fused_attn = False


def fold_batch_norms(model: nn.Module) -> None:
    """Fold every batch norm into the convolution it follows within an ``nn.Sequential``; the state dict changes."""
    for parent in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        for (name, first), (next_name, second) in pairwise(list(parent.named_children())):
            if isinstance(first, nn.Conv2d | nn.ConvTranspose2d) and isinstance(second, nn.BatchNorm2d):
                transposed = isinstance(first, nn.ConvTranspose2d)
                setattr(parent, name, fuse_conv_bn_eval(first, second, transposed))
                setattr(parent, next_name, nn.Identity())
