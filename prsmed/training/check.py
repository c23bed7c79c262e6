"""How good a model is on images it is not trained on: for the curve, and to choose weights by."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from prsmed.data import Samples
from prsmed.training.batch import stack
from prsmed.training.learner import Learner


@torch.no_grad()
def mean_dice(learner: Learner, data: Samples, count: int, at_once: int, device: torch.device) -> float:
    """Mean Dice over the same ``count`` images each time, at most; 0 where none has a target.

    Args:
        learner: Its model is put into evaluation mode.
        data: Samples of the images.
        count: How many images.
        at_once: How many go through the model together.
        device: Where the model is.
    """
    learner.model.eval()
    order = data.order(0)[:count]
    scores: list[Tensor] = []
    for first in range(0, len(order), at_once):
        batch = stack([data.sample(int(index), 0) for index in order[first : first + at_once]]).to(device)
        predicted, truth = learner.predict(batch).flatten(1), batch.mask.flatten(1) > 0
        both = (predicted & truth).sum(dim=1)
        dice = 2 * both / (predicted.sum(dim=1) + truth.sum(dim=1)).clamp(min=1)
        scores.append(dice[batch.has_mask].cpu())
    return float(np.mean(torch.cat(scores).tolist())) if scores and len(torch.cat(scores)) else 0.0
