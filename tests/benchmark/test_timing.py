from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from scipy import stats

from prsmed.benchmark.memory import peak_bytes
from prsmed.benchmark.timing import Clock, median_of, milliseconds, ratio_of

CPU = torch.device("cpu")


def test_a_median_has_scipys_bootstrap_interval() -> None:
    values = np.random.default_rng(3).gamma(4, 10, 41)
    found = median_of(values.tolist())
    drawn = stats.bootstrap((values,), np.median, method="percentile", n_resamples=10_000, rng=1)
    assert found.value == pytest.approx(float(np.median(values)), rel=1e-3)
    assert (found.low, found.high) == pytest.approx(tuple(drawn.confidence_interval), rel=0.02)
    assert found.n == 41
    assert found == median_of(values.tolist())


def test_a_ratio_is_taken_within_rounds() -> None:
    slow_minutes = np.array([1.0, 1.0, 5.0, 9.0, 1.0])
    found = ratio_of((20 * slow_minutes).tolist(), (50 * slow_minutes).tolist())
    assert (found.value, found.low, found.high) == (0.4, 0.4, 0.4)


def test_rounds_that_lack_a_side_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio_of([1.0, 2.0], [1.0])


def test_a_clock_tells_milliseconds() -> None:
    assert 50 <= milliseconds(lambda: time.sleep(0.05), CPU) < 5000
    clock = Clock(CPU)
    assert clock.milliseconds() <= clock.milliseconds()


def test_the_peak_is_that_of_the_work_alone() -> None:
    size = 64 * 2**20
    before = peak_bytes(lambda: None, CPU)
    if before is None:
        pytest.skip("this system tells no peak")
    during = peak_bytes(lambda: np.ones(size, np.uint8).sum(), CPU)
    after = peak_bytes(lambda: None, CPU)
    assert during is not None
    assert after is not None
    assert during - before > 0.9 * size
    assert during - after > 0.5 * size
