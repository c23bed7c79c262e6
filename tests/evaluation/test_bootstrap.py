from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prsmed.evaluation.statistics import Sample, macro_mean, mean

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
