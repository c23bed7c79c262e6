from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prsmed.evaluation.statistics import Sample, holm, macro_difference, macro_mean, mean

values = st.lists(st.floats(0, 1), min_size=1, max_size=6)


@given(values, st.integers(2, 5))
def test_identical_groups_leave_nothing_uncertain(group: list[float], count: int) -> None:
    names = [f"g{number}" for number in range(count) for _ in group]
    estimate = mean(Sample(group * count, names), draws=50)
    assert [estimate.value, estimate.low, estimate.high] == pytest.approx([np.mean(group)] * 3)
    assert (estimate.n, estimate.groups) == (count * len(group), count)


def test_two_groups_follow_the_binomial() -> None:
    # The mean of two draws of {0, 1} is 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4.
    estimate = mean(Sample([0.0, 1.0], ["a", "b"]))
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.0, 1.0)


def test_many_groups_follow_the_normal_law() -> None:
    rng = np.random.default_rng(3)
    drawn = rng.normal(2, 0.5, 400)
    estimate = mean(Sample(drawn.tolist(), [str(n) for n in range(400)]), draws=20_000)
    half = 1.96 * drawn.std() / np.sqrt(400)
    assert estimate.low == pytest.approx(drawn.mean() - half, abs=0.003)
    assert estimate.high == pytest.approx(drawn.mean() + half, abs=0.003)


def test_copies_within_a_group_add_no_certainty() -> None:
    once = mean(Sample([0.1, 0.9, 0.4], ["a", "b", "c"]))
    copied = mean(Sample([0.1, 0.9, 0.4] * 50, ["a", "b", "c"] * 50))
    alone = mean(Sample([0.1, 0.9, 0.4] * 50, [str(n) for n in range(150)]))
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert alone.high - alone.low < 0.3 * (copied.high - copied.low)


def test_groups_weigh_by_their_size() -> None:
    # Draws of the groups {1 x 3} and {0}: aa, ab, ba, bb have means 1, 3/4, 3/4, 0.
    estimate = mean(Sample([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]))
    assert (estimate.value, estimate.low, estimate.high) == (0.75, 0.0, 1.0)


def test_a_macro_mean_does_not_see_sizes() -> None:
    rng = np.random.default_rng(0)
    parts = {
        name: Sample(rng.normal(center, 0.3, size).tolist(), [f"{name}{n}" for n in range(size)])
        for name, center, size in (("large", 0.0, 900), ("small", 1.0, 100))
    }
    estimate = macro_mean(parts, draws=20_000)
    assert estimate.value == pytest.approx(np.mean([np.mean(part.values) for part in parts.values()]))
    variance = sum(np.var(part.values) / len(part.values) for part in parts.values()) / 4
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.03)
    assert (estimate.n, estimate.groups) == (1000, 1000)


def test_the_seed_decides_and_a_lone_group_has_no_interval() -> None:
    sample = Sample(np.random.default_rng(1).random(30).tolist(), [str(n) for n in range(30)])
    assert mean(sample, seed=4) == mean(sample, seed=4) != mean(sample, seed=5)
    lone = Sample([0.2, 0.4], ["a", "a"])
    assert (mean(lone).low, mean(lone).high) == (None, None)
    assert macro_mean({"one": sample, "other": lone}).low is None


def test_values_without_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="need as many"):
        Sample([1.0, 2.0], ["a"])
    with pytest.raises(ValueError, match="at least one"):
        Sample([], [])


def test_a_ratio_of_sums_resamples_both() -> None:
    # Draws of the groups {3/4, 0/1} and {1/5}: 3/5, 4/10, 4/10, 1/5.
    estimate = mean(Sample([3, 0, 1], ["a", "a", "b"], [4, 1, 5]))
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.4, 0.2, 0.6))
    assert mean(Sample([0.0, 0.0], ["a", "b"], [0, 0])).value == 1


def test_a_difference_sees_the_same_groups_drawn() -> None:
    rng = np.random.default_rng(0)
    groups = [str(number // 2) for number in range(80)]
    hard = rng.normal(0, 1, 80)  # how hard a question is moves both systems alike
    first, second = Sample(hard.tolist(), groups), Sample((hard + rng.normal(0.2, 0.1, 80)).tolist(), groups)
    found = macro_difference({"": (first, second)})
    alone = mean(Sample(np.subtract(second.values, first.values).tolist(), groups))
    seen = found.estimate
    assert (seen.value, seen.low, seen.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert found.p == pytest.approx(2 / 10_001)  # no draw at 0 or below
    assert mean(second).high - mean(second).low > 5 * (alone.high - alone.low)
    assert macro_difference({"": (second, first)}).estimate.value == pytest.approx(-alone.value)


def test_p_values_are_uniform_when_nothing_differs() -> None:
    rng = np.random.default_rng(5)
    groups = [str(number) for number in range(60)]
    p_values = []
    for _ in range(200):
        noise = Sample(rng.normal(0, 1, 60).tolist(), groups)
        p_values.append(macro_difference({"": (Sample([0.0] * 60, groups), noise)}, draws=500).p)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.04)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.06)


def test_equal_systems_do_not_differ_and_a_lone_group_tells_nothing() -> None:
    sample = Sample([0.1, 0.4, 0.3], ["a", "b", "b"])
    assert macro_difference({"": (sample, sample)}).p == 1
    lone = Sample([0.1, 0.4], ["a", "a"])
    assert macro_difference({"": (lone, lone)}).p is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1, 1]
    assert holm([]) == []
