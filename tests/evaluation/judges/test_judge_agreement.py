"""Agreement of two raters, against other libraries and published figures."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from prsmed.evaluation.judges.agreement import agreement, cohen_kappa, gwet_ac


def test_a_published_table() -> None:
    # Two abstractors of ectopic pregnancies: data and figures of the R package irrCAC (cont3x3abstractors).
    table = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]], dtype=float)
    assert cohen_kappa(table) == pytest.approx(0.7964094)
    assert gwet_ac(table) == pytest.approx(0.8493305)


def test_a_table_by_hand() -> None:
    # Of 125 answers 118 are yes to both and none is no to both: kappa falls below chance, AC does not.
    table = np.array([[118, 5], [2, 0]], dtype=float)
    observed, first, second = 118 / 125, 123 / 125, 120 / 125
    chance = first * second + (1 - first) * (1 - second)
    assert cohen_kappa(table) == pytest.approx((observed - chance) / (1 - chance))
    assert cohen_kappa(table) < 0
    share = (first + second) / 2
    assert gwet_ac(table) == pytest.approx((observed - 2 * share * (1 - share)) / (1 - 2 * share * (1 - share)))
    assert gwet_ac(table) == pytest.approx(0.9408, abs=5e-5)


@pytest.mark.parametrize("seed", range(3))
def test_kappa_is_that_of_sklearn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.random(60) < 0.7
    second = np.where(rng.random(60) < 0.8, first, ~first)
    pairs = [(bool(a), bool(b)) for a, b in zip(first, second, strict=True)]
    found = agreement(pairs, [str(number // 4) for number in range(60)])
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(cohen_kappa_score(first, second))
    assert found.share.value == pytest.approx(np.mean(first == second))
    assert (found.share.n, found.share.groups) == (60, 15)
    for estimate in (found.share, found.kappa, found.ac2):
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < estimate.value < estimate.high


def test_intervals_are_those_of_whole_groups() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random(40) < 0.5, rng.random(40) < 0.5
    groups = [f"patient {number % 8}" for number in range(40)]
    found = agreement([(bool(a), bool(b)) for a, b in zip(first, second, strict=True)], groups)
    assert found.kappa is not None
    drawn = []
    for _ in range(1000):
        rows = np.concatenate([np.flatnonzero(np.arange(40) % 8 == group) for group in rng.integers(0, 8, 8)])
        drawn.append(cohen_kappa_score(first[rows], second[rows]))
    assert (found.kappa.low, found.kappa.high) == pytest.approx(tuple(np.percentile(drawn, (2.5, 97.5))), abs=0.03)


def test_raters_who_always_say_yes_have_no_kappa() -> None:
    found = agreement([(True, True)] * 3, ["a", "b", "b"])
    assert found.kappa is None
    assert (found.share.value, found.ac2.value, found.ac2.low) == (1, 1, 1)


def test_a_single_group_has_no_interval() -> None:
    found = agreement([(True, False), (True, True), (False, False)], ["a"] * 3)
    assert found.kappa is not None
    assert (found.kappa.low, found.ac2.high) == (None, None)
