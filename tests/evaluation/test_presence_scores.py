from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from prsmed.evaluation.calibration import BINS, auroc, bins_of, brier, calibration_error, risk_area, risk_curve
from prsmed.evaluation.group_draws import Weighted, estimate
from prsmed.evaluation.statistics import Sample, mean

RNG = np.random.default_rng(7)
PROBABILITY = np.round(RNG.random(200), 2)  # with ties
TRUTH = (RNG.random(200) < PROBABILITY).astype(float)
TIMES = RNG.integers(0, 4, size=(3, 200)).astype(float)


@pytest.mark.parametrize(
    ("figure", "reference"),
    [
        pytest.param(auroc, lambda p, y, w: roc_auc_score(y, p, sample_weight=w), id="auroc"),
        pytest.param(brier, lambda p, y, w: brier_score_loss(y, p, sample_weight=w), id="brier"),
    ],
)
def test_weighted_figures_are_those_of_sklearn(figure, reference) -> None:  # type: ignore[no-untyped-def]
    expected = [reference(PROBABILITY, TRUTH, times) for times in TIMES]
    assert figure(PROBABILITY, TRUTH)(TIMES) == pytest.approx(expected)


def test_auroc_of_one_class_is_not_defined() -> None:
    assert np.isnan(auroc(PROBABILITY, np.ones(200))(np.ones((1, 200))))


def test_calibration_error_is_the_mean_gap_of_equal_bins() -> None:
    order = np.argsort(PROBABILITY, kind="stable").reshape(BINS, -1)
    gaps = [abs(PROBABILITY[rows].mean() - TRUTH[rows].mean()) for rows in order]
    assert calibration_error(PROBABILITY, TRUTH)(np.ones((1, 200))) == pytest.approx([np.mean(gaps)])
    assert np.bincount(bins_of(PROBABILITY)).tolist() == [20] * BINS


def test_fewer_answers_than_bins_have_a_bin_each() -> None:
    assert bins_of(np.array([0.9, 0.1, 0.5])).tolist() == [2, 0, 1]
    assert calibration_error(np.array([0.9, 0.1]), np.array([1.0, 1.0]))(np.ones((1, 2))) == pytest.approx([0.5])


def test_risk_by_hand() -> None:
    confidence, wrong = np.array([0.6, 0.9, 0.7]), np.array([1.0, 0.0, 1.0])
    coverage, risk = risk_curve(confidence, wrong)
    assert coverage == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk == pytest.approx([0, 1 / 2, 2 / 3])
    assert risk_area(confidence, wrong)(np.array([[1, 1, 1], [0, 1, 0]], float)) == pytest.approx([7 / 18, 0])


def test_an_interval_of_a_mean_is_that_of_the_mean() -> None:
    groups = [f"g{number % 20}" for number in range(200)]
    found = estimate({"": Weighted(brier(PROBABILITY, TRUTH), groups)})
    expected = mean(Sample(((PROBABILITY - TRUTH) ** 2).tolist(), groups))
    assert found is not None
    assert found.value == pytest.approx(expected.value)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=2e-3)
    assert (found.n, found.groups) == (200, 20)


def test_parts_without_the_figure_are_left_out() -> None:
    ones = Weighted(auroc(PROBABILITY, np.ones(200)), ["a"] * 200)
    both = Weighted(auroc(PROBABILITY, TRUTH), ["a"] * 200)
    found = estimate({"none": ones, "some": both}, draws=10)
    assert found is not None
    assert found.n == 200
    assert (found.low, found.high) == (None, None)
    assert estimate({"none": ones}, draws=10) is None
