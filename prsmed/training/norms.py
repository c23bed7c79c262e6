"""Batch norm in training: whose statistics it takes."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from prsmed.errors import PRSMedError


def train_mode(model: nn.Module, *, frozen: bool) -> None:
    """Training mode; ``frozen`` keeps the statistics of every batch norm, whose scale and shift still learn."""
    model.train()
    if frozen:
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def share_statistics(model: nn.Module, device: torch.device) -> None:
    """Let batch norm take the statistics of the images of all processes, as one process would.

    Raises:
        PRSMedError: ``bad_training`` on CPUs, where torch cannot.
    """
    train_mode(model, frozen=False)
    if not any(isinstance(module, _BatchNorm) and module.training for module in model.modules()):
        return
    if device.type == "cpu":
        raise PRSMedError(
            "bad_training",
            "batch_norm is 'batch' in several processes on CPUs, which cannot share its statistics; "
            "train in one process, or keep the statistics: batch_norm frozen",
        )
    nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
