"""Memory for a training: is there enough of it, beside the model that answers?"""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import torch

from prsmed.model.checkpoint import WEIGHTS

# Weights, gradients, two moments of the optimiser, the running average, the weights it began with.
_COPIES = 6
_BESIDE_BYTES = 1 << 30  # what batches and activations take at the least
_LOOK_SECONDS = 5.0


def needed_bytes(checkpoint: Path) -> int:
    """About what a training of a checkpoint takes: a floor, for what it does not hold itself is not counted."""
    return _COPIES * (checkpoint / WEIGHTS).stat().st_size + _BESIDE_BYTES


def free_bytes(device: str) -> int:
    """What is free on a torch device, or of this machine's memory."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    return int(psutil.virtual_memory().available)


def wait_for_memory(checkpoint: Path, device: str) -> None:
    """Return once a device has the memory free that a training takes."""
    while free_bytes(device) < needed_bytes(checkpoint):
        time.sleep(_LOOK_SECONDS)
