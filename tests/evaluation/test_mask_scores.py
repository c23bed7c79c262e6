from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist
from skimage.segmentation import find_boundaries

from prsmed.evaluation.lesions import lesion_f1
from prsmed.evaluation.published import threshold_means
from prsmed.evaluation.surface import hd95, surface_dice


def disc(center: tuple[int, int], radius: int, side: int = 64) -> np.ndarray:
    rows, columns = np.ogrid[:side, :side]
    return (rows - center[0]) ** 2 + (columns - center[1]) ** 2 <= radius**2


def distances(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From every outline pixel of one mask to the nearest of the other, both ways, by trying all pairs."""
    pairs = cdist(*(np.argwhere(find_boundaries(mask, mode="inner", connectivity=1)) for mask in (one, other)))
    return pairs.min(1), pairs.min(0)


@pytest.mark.parametrize("center", [(30, 30), (30, 33), (40, 45)], ids=["same", "near", "far"])
def test_surfaces_by_trying_all_pairs_of_pixels(center: tuple[int, int]) -> None:
    true, predicted = disc((30, 30), 14), disc(center, 11)
    there, back = distances(predicted, true)
    assert hd95(predicted, true) == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    near = (there <= 2).sum() + (back <= 2).sum()
    assert surface_dice(predicted, true) == pytest.approx(near / (len(there) + len(back)))


def test_surfaces_of_nothing_and_of_the_truth() -> None:
    true = disc((30, 30), 9)
    assert (hd95(true, true), surface_dice(true, true)) == (0, 1)
    assert hd95(np.zeros_like(true), true) == pytest.approx(64 * 2**0.5)
    assert surface_dice(np.zeros_like(true), true) == 0


TWO = np.zeros((9, 9), dtype=bool)
TWO[0, 0] = TWO[1, 1] = True  # one region over a corner
TWO[6:8, 6:8] = True


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([(1, 1), (7, 7)], 1, id="both touched"),
        pytest.param([(1, 1)], 2 / 3, id="one missed"),
        pytest.param([(1, 1), (6, 7), (4, 0)], 4 / 5, id="one false alarm"),
        pytest.param([(4, 0)], 0, id="only a false alarm"),
        pytest.param([(0, 0), (7, 7), (6, 6)], 1, id="touched twice"),
    ],
)
def test_lesions(predicted: list[tuple[int, int]], expected: float) -> None:
    mask = np.zeros_like(TWO)
    for pixel in predicted:
        mask[pixel] = True
    assert lesion_f1(mask, TWO) == pytest.approx(expected)


def slow_threshold_means(probability: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """The published procedure, step by step: stretch, 8 bits, 256 thresholds from 1 down to 0."""
    span = probability.max() - probability.min() + 1e-8
    seen = np.round((probability - probability.min()) / span * 255) / 255
    dices, ious = [], []
    for threshold in np.linspace(1, 0, 256):
        mask = seen >= threshold - 1e-12  # a level is its own threshold, whatever the last bit says
        shared = np.logical_and(mask, true).sum()
        dices.append(2 * shared / (mask.sum() + true.sum()) if shared else 0)
        ious.append(shared / np.logical_or(mask, true).sum() if shared else 0)
    return float(np.mean(dices)), float(np.mean(ious))


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, (7, 8), elements={"min_value": 0, "max_value": 1}), arrays(np.bool_, (7, 8)).filter(np.any))
def test_the_published_means_step_by_step(probability: np.ndarray, true: np.ndarray) -> None:
    assert threshold_means(probability, true) == pytest.approx(slow_threshold_means(probability, true))


def test_the_published_means_hide_what_the_model_was_sure_of() -> None:
    true = disc((30, 30), 9)
    sure, faint = np.where(true, 1.0, 0.0), np.where(true, 0.02, 0.01)
    everything = 2 * true.sum() / (true.sum() + true.size)
    assert threshold_means(sure, true)[0] == pytest.approx((255 + everything) / 256, abs=0.004)
    assert threshold_means(faint, true)[0] == pytest.approx(threshold_means(sure, true)[0], abs=0.004)
