"""Overlap of a mask with the true one.

Empty-mask policy: both are defined only where the target is present, so that the true mask has pixels. An empty
prediction then scores 0. What is drawn where nothing is present is counted by the false-mask rates
(:mod:`prsmed.evaluation.measures`), never by an overlap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dice(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Twice the intersection over the sum of both areas.

    Args:
        predicted: ``(S, S)`` bool, thresholded at a probability of 0.5.
        true: ``(S, S)`` bool.

    Raises:
        ValueError: The true mask is empty or the shapes differ.
    """
    shared, predicted_area, true_area = _areas(predicted, true)
    return 2 * shared / (predicted_area + true_area)


def iou(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Intersection over union; arguments and errors as for :func:`dice`."""
    shared, predicted_area, true_area = _areas(predicted, true)
    return shared / (predicted_area + true_area - shared)


def _areas(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> tuple[int, int, int]:
    if predicted.shape != true.shape:
        raise ValueError(f"the predicted mask has shape {predicted.shape}, the true one {true.shape}")
    if not true.any():
        raise ValueError("the true mask is empty; an overlap is defined only for present targets")
    return int((predicted & true).sum()), int(predicted.sum()), int(true.sum())
