"""How far two raters agree beyond chance.

Cohen's kappa takes chance to be the raters' own shares of yes, and falls to 0 when nearly all answers are alike,
however well the raters agree. Gwet's AC2 does not. Both are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prsmed.evaluation.statistics import DRAWS, SEED, Estimate, estimate_of

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Agreement of two raters over the answers that both judged.

    Attributes:
        share: Share of equal verdicts.
        kappa: Cohen's kappa; ``None`` when both raters always say the same one thing.
        ac2: Gwet's AC2.
    """

    share: Estimate
    kappa: Estimate | None
    ac2: Estimate


def agreement(pairs: Sequence[tuple[bool, bool]], groups: Sequence[str]) -> Agreement:
    """Measure agreement, with 95 % cluster-bootstrap intervals over groups.

    Args:
        pairs: Verdicts of both raters on each answer; at least one.
        groups: The group of each answer.
    """
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    by_group = np.zeros((len(names), 2, 2))
    np.add.at(by_group, (index, *np.asarray(pairs, dtype=int).T), 1)
    rng = np.random.default_rng(SEED)
    picked = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    table, drawn = by_group.sum(axis=0), np.tensordot(picked, by_group, axes=1)

    def estimate(values: NDArray[np.float64], value: float) -> Estimate:
        return estimate_of(value, values, len(pairs), [len(names)])

    kappa = float(cohen_kappa(table))
    return Agreement(
        estimate(_observed(drawn), float(_observed(table))),
        None if np.isnan(kappa) else estimate(cohen_kappa(drawn), kappa),
        estimate(gwet_ac(drawn), float(gwet_ac(table))),
    )


def cohen_kappa(table: Counts) -> NDArray[np.float64]:
    """Cohen's kappa: (p - e) / (1 - e), e the product of the raters' shares summed over categories.

    Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20 (1960).

    Args:
        table: ``(..., Q, Q)`` counts, first rater by rows, second by columns.

    Returns:
        ``(...)``; NaN where e is 1.
    """
    total = table.sum(axis=(-2, -1))
    chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / total**2
    return _beyond(_observed(table), chance)


def gwet_ac(table: Counts) -> NDArray[np.float64]:
    """Gwet's AC2 with identity weights, which is AC1: e = sum of s (1 - s) over categories / (Q - 1).

    s is the mean of both raters' shares of a category. Gwet, Computing inter-rater reliability and its variance in
    the presence of high agreement, Br. J. Math. Stat. Psychol. 61 (2008); AC2 in his Handbook of Inter-Rater
    Reliability (2014), ch. 5.

    Args:
        table: ``(..., Q, Q)`` counts, as for :func:`cohen_kappa`; categories that no rater chose count too.

    Returns:
        ``(...)``.
    """
    shares = (table.sum(axis=-1) + table.sum(axis=-2)) / (2 * table.sum(axis=(-2, -1)))[..., None]
    chance = (shares * (1 - shares)).sum(axis=-1) / (table.shape[-1] - 1)
    return _beyond(_observed(table), chance)


def _observed(table: Counts) -> NDArray[np.float64]:
    observed: NDArray[np.float64] = np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1))
    return observed


def _beyond(observed: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    room = 1 - chance
    return np.divide(observed - chance, room, out=np.full_like(room, np.nan), where=room > 0)
