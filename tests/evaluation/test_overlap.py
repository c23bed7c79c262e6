from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from prsmed.evaluation.metrics import dice, iou

masks = arrays(np.bool_, (5, 6))


@given(masks, masks.filter(np.any))
def test_overlaps_of_pixel_sets(predicted: np.ndarray, true: np.ndarray) -> None:
    one = {tuple(pixel) for pixel in np.argwhere(predicted).tolist()}
    other = {tuple(pixel) for pixel in np.argwhere(true).tolist()}
    assert dice(predicted, true) == pytest.approx(2 * len(one & other) / (len(one) + len(other)))
    assert iou(predicted, true) == pytest.approx(len(one & other) / len(one | other))


def test_an_empty_prediction_scores_nothing_and_the_truth_all() -> None:
    true = np.eye(4, dtype=bool)
    assert dice(np.zeros_like(true), true) == iou(np.zeros_like(true), true) == 0
    assert dice(true, true) == iou(true, true) == 1


@pytest.mark.parametrize("shape", [(4, 4), (4, 5)])
def test_no_overlap_with_nothing_or_another_grid(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="mask"):
        dice(np.ones((4, 4), dtype=bool), np.zeros(shape, dtype=bool))
