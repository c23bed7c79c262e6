"""Means with cluster-bootstrap intervals.

Images of one patient, video or cluster resemble each other, so whole groups are resampled, not images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
SEED = 0
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Sample:
    """Values of a metric, each with the group it belongs to."""

    values: Sequence[float]
    groups: Sequence[str]

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.groups):
            raise ValueError(f"{len(self.values)} values and {len(self.groups)} groups; need as many, at least one")


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % percentile interval.

    Attributes:
        value: The mean.
        low: Lower end; ``None`` when a part has a single group, so that nothing can be resampled.
        high: Upper end, likewise.
        n: Number of values.
        groups: Number of groups.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    groups: int


def mean(sample: Sample, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """Mean over values; every group is drawn as a whole, so groups weigh by their size."""
    return macro_mean({"": sample}, draws, seed)


def macro_mean(parts: Mapping[str, Sample], draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """Mean over the means of parts (modalities), groups resampled within each part.

    Args:
        parts: At least one.
        draws: Resamplings.
        seed: The same seed gives the same interval.
    """
    rng = np.random.default_rng(seed)
    value = float(np.mean([np.mean(part.values) for part in parts.values()]))
    drawn = np.mean([_draw_means(parts[name], draws, rng) for name in sorted(parts)], axis=0)
    counts = [len(set(part.groups)) for part in parts.values()]
    low, high = np.percentile(drawn, _PERCENTILES) if min(counts) > 1 else (None, None)
    return Estimate(
        value,
        None if low is None else float(low),
        None if high is None else float(high),
        n=sum(len(part.values) for part in parts.values()),
        groups=sum(counts),
    )


def _draw_means(sample: Sample, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Means of ``draws`` resamplings of the groups, with replacement, as many groups as there are."""
    names, index = np.unique(np.asarray(sample.groups), return_inverse=True)
    sums = np.bincount(index, weights=np.asarray(sample.values, dtype=np.float64))
    sizes = np.bincount(index)
    picked = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)  # (draws, groups)
    means: NDArray[np.float64] = (picked @ sums) / (picked @ sizes)
    return means
