"""AdamW over the parts of a model, and its learning rate along a run."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from prsmed.training.config import TrainConfig

_PARTS = {"encoder": "encoder", "decoder": "decoder", "presence": "decoder"}


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; norms, biases and other vectors do not decay. Each part learns at its own share of the rate."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((_share(name, config), decay), []).append(parameter)
    as_given: list[dict[str, Any]] = [
        {"params": parameters, "share": share, "weight_decay": decay} for (share, decay), parameters in groups.items()
    ]
    return torch.optim.AdamW(as_given, lr=config.lr)


def set_rate(optimizer: torch.optim.Optimizer, config: TrainConfig, step: int) -> float:
    """Set the rates of a step: up to the peak in ``warmup`` steps, then along a cosine to zero; returns it."""
    if step < config.warmup:
        rate = config.lr * (step + 1) / config.warmup
    else:
        done = (step - config.warmup) / max(1, config.steps - config.warmup)
        rate = config.lr * 0.5 * (1 + math.cos(math.pi * done))
    for group in optimizer.param_groups:
        group["lr"] = rate * group["share"]
    return rate


def _share(name: str, config: TrainConfig) -> float:
    part = _PARTS.get(name.split(".")[0], "language")
    shares = {"encoder": config.encoder_lr, "decoder": config.decoder_lr, "language": config.language_lr}
    return shares[part]
