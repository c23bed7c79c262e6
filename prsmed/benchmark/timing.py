"""Times of repeated runs: medians with intervals, and ratios within rounds."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

_DRAWS = 10_000
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Median:
    """A median over ``n`` rounds with its 95 % percentile bootstrap interval, ``low`` to ``high``."""

    value: float
    low: float
    high: float
    n: int


def median_of(values: Sequence[float]) -> Median:
    """The median; the same values give the same interval."""
    rows = np.asarray(values, dtype=np.float64)
    picked = np.random.default_rng(0).integers(len(rows), size=(_DRAWS, len(rows)))
    low, high = np.percentile(np.median(rows[picked], axis=1), _PERCENTILES)
    return Median(_round(np.median(rows)), _round(low), _round(high), len(rows))


def ratio_of(above: Sequence[float], below: Sequence[float]) -> Median:
    """The median of the ratios of two ways' times, each pair from one round, so that slow minutes cancel out.

    Raises:
        ValueError: One has more rounds than the other.
    """
    return median_of([one / other for one, other in zip(above, below, strict=True)])


def _round(value: np.floating[Any]) -> float:
    return float(f"{value:.4g}")


class Clock:
    """Milliseconds of a piece of work on ``device``, its queue emptied before and after."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._start = self._now()

    def milliseconds(self) -> float:
        """Since the clock was made."""
        return 1000 * (self._now() - self._start)

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def milliseconds(work: Callable[[], object], device: torch.device) -> float:
    """How long ``work`` takes."""
    clock = Clock(device)
    work()
    return clock.milliseconds()


def machine(device: torch.device) -> dict[str, Any]:
    """What was measured on."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
    }
