"""Whether the single lesions of an image are found, whatever their size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=int)


def lesion_f1(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """F1 over connected regions (8 neighbours); a region is matched when it overlaps one of the other mask.

    A true region without a match is missed, a predicted one is a false alarm.

    Args:
        predicted: ``(S, S)`` bool; empty scores 0.
        true: ``(S, S)`` bool, not empty.
    """
    true_regions, true_count = label(true, _EIGHT_NEIGHBOURS)
    predicted_regions, predicted_count = label(predicted, _EIGHT_NEIGHBOURS)
    both = predicted & true
    found = len(np.unique(true_regions[both]))
    false_alarms = predicted_count - len(np.unique(predicted_regions[both]))
    return float(2 * found / (found + true_count + false_alarms))
