"""Intervals of figures that are no means over answers (AUROC, calibration error): groups are drawn as weights.

A figure is written as a function of weights, one an answer: how often its group was drawn. So what is costly, sorting
and binning, is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prsmed.evaluation.statistics import DRAWS, SEED, Estimate, estimate_of

_AT_ONCE = 500
Weights = NDArray[np.float64]
Figured = Callable[[Weights], Weights]
"""Weights ``(draws, n)`` to the figure of each draw ``(draws,)``, NaN where it is not defined."""


@dataclass(frozen=True)
class Weighted:
    """A figure over ``n`` answers and the group of each."""

    figure: Figured
    groups: Sequence[str]


def estimate(parts: Mapping[str, Weighted], draws: int = DRAWS, seed: int = SEED) -> Estimate | None:
    """Mean over parts (modalities) of a figure, groups resampled within each part.

    Parts in which the figure is not defined are left out; ``None`` when that is all of them. A draw without the
    figure, of one class only, does not count towards the interval.
    """
    rng = np.random.default_rng(seed)
    values, drawn, n, counts = [], [], 0, []
    for name in sorted(parts):
        part = parts[name]
        value = float(part.figure(np.ones((1, len(part.groups))))[0])
        if np.isnan(value):
            continue
        values.append(value)
        drawn.append(_draw(part, draws, rng))
        n += len(part.groups)
        counts.append(len(set(part.groups)))
    if not values:
        return None
    return estimate_of(float(np.mean(values)), np.mean(drawn, axis=0), n, counts)


def _draw(part: Weighted, draws: int, rng: np.random.Generator) -> Weights:
    names, index = np.unique(np.asarray(part.groups), return_inverse=True)
    share = np.full(len(names), 1 / len(names))
    found = []
    for first in range(0, draws, _AT_ONCE):
        times = rng.multinomial(len(names), share, size=min(_AT_ONCE, draws - first)).astype(np.float64)
        found.append(part.figure(times[:, index]))
    return np.concatenate(found)
