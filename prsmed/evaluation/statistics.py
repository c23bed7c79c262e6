"""Means and ratios of sums with cluster-bootstrap intervals, and differences of two systems.

Images of one patient, video or cluster resemble each other, so whole groups are resampled, not images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
SEED = 0
_PERCENTILES = (2.5, 97.5)
_Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Values of a metric, each with the group it belongs to.

    With ``totals`` the metric is the sum of the values over the sum of the totals (cumulative IoU), 1 where both are 0;
    without, it is the mean of the values.
    """

    values: Sequence[float]
    groups: Sequence[str]
    totals: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.groups):
            raise ValueError(f"{len(self.values)} values and {len(self.groups)} groups; need as many, at least one")
        if self.totals is not None and len(self.totals) != len(self.values):
            raise ValueError(f"{len(self.values)} values and {len(self.totals)} totals; need as many")

    @property
    def metric(self) -> float:
        """The mean or ratio."""
        totals = [1.0] * len(self.values) if self.totals is None else self.totals
        return float(_ratio(np.sum(self.values, dtype=np.float64), np.sum(totals, dtype=np.float64)))


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % percentile interval.

    Attributes:
        value: The figure.
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


@dataclass(frozen=True)
class Difference:
    """One system's figure less another's on the same questions.

    Attributes:
        estimate: With its interval.
        p: Two-sided bootstrap p value; ``None`` where the interval is.
    """

    estimate: Estimate
    p: float | None


def mean(sample: Sample, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """The metric of one sample; every group is drawn as a whole, so groups weigh by their size."""
    return macro_mean({"": sample}, draws, seed)


def macro_mean(parts: Mapping[str, Sample], draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """Mean over the metrics of parts (modalities), groups resampled within each part.

    Args:
        parts: At least one.
        draws: Resamplings.
        seed: The same seed gives the same interval.
    """
    rng = np.random.default_rng(seed)
    drawn = np.mean([_draw([parts[name]], draws, rng)[0] for name in sorted(parts)], axis=0)
    return _estimate(float(np.mean([part.metric for part in parts.values()])), drawn, list(parts.values()))


def macro_difference(parts: Mapping[str, tuple[Sample, Sample]], draws: int = DRAWS, seed: int = SEED) -> Difference:
    """Mean over parts of the second system's metric less the first's, both seen on the same drawn groups.

    Args:
        parts: At least one; the two samples of each hold the same questions in the same order.
        draws: Resamplings.
        seed: As for :func:`macro_mean`.
    """
    rng = np.random.default_rng(seed)
    pairs = [parts[name] for name in sorted(parts)]
    drawn = np.mean([np.subtract(*_draw([second, first], draws, rng)) for first, second in pairs], axis=0)
    value = float(np.mean([second.metric - first.metric for first, second in pairs]))
    estimate = _estimate(value, drawn, [first for first, _ in pairs])
    # A draw counts for itself, so that no p value is 0.
    tail = (1 + min((drawn <= 0).sum(), (drawn >= 0).sum())) / (1 + draws)
    return Difference(estimate, None if estimate.low is None else min(1.0, 2 * float(tail)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction, which keeps the chance of any false finding among all of them."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return [float(p) for p in corrected]


def _estimate(value: float, drawn: _Numbers, parts: Sequence[Sample]) -> Estimate:
    counts = [len(set(part.groups)) for part in parts]
    return estimate_of(value, drawn, sum(len(part.values) for part in parts), counts)


def estimate_of(value: float, drawn: _Numbers, n: int, groups: Sequence[int]) -> Estimate:
    """A figure with the interval of its draws.

    Args:
        value: The figure.
        drawn: It again in each draw; NaN where a draw does not have it, which then does not count.
        n: Number of values.
        groups: Number of groups of each part.
    """
    known = drawn[~np.isnan(drawn)]
    can_vary = min(groups) > 1 and known.size
    low, high = (float(end) for end in np.percentile(known, _PERCENTILES)) if can_vary else (None, None)
    return Estimate(value, low, high, n, sum(groups))


def _draw(samples: Sequence[Sample], draws: int, rng: np.random.Generator) -> list[_Numbers]:
    """Metrics of ``draws`` resamplings of the groups, with replacement; all samples see the same groups drawn."""
    names, index = np.unique(np.asarray(samples[0].groups), return_inverse=True)
    picked = rng.integers(len(names), size=(draws, len(names)), dtype=np.int32)
    found = []
    for sample in samples:
        sums = np.bincount(index, weights=np.asarray(sample.values, dtype=np.float64))
        totals = np.bincount(index, weights=None if sample.totals is None else np.asarray(sample.totals))
        found.append(_ratio(sums[picked].sum(axis=1), totals[picked].sum(axis=1)))
    return found


def _ratio(sums: _Numbers, totals: _Numbers) -> _Numbers:
    return np.divide(sums, totals, out=np.ones(np.shape(sums)), where=np.asarray(totals) != 0)
