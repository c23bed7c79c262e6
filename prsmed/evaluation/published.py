"""Overlap as PRS-Med's evaluation code counts it: mDice and mIoU over 256 thresholds.

The probability map of each image is stretched to 0..1 and kept in 8 bits. At each of the 256 levels, what is at least
as high is the predicted mask; its Dice and IoU, 0 without a shared pixel, are averaged over the levels, then over
images. The lowest level always takes the whole image, and stretching hides how sure the model was: this is not Dice
at 0.5. Of absent targets it says nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEVELS = 256
_EPSILON = 1e-8


def threshold_means(probability: NDArray[np.float32], true: NDArray[np.bool_]) -> tuple[float, float]:
    """mDice and mIoU of one image.

    Args:
        probability: ``(S, S)`` in 0..1.
        true: ``(S, S)`` bool, not empty.
    """
    lowest, highest = float(probability.min()), float(probability.max())
    stretched = (probability.astype(np.float64) - lowest) / (highest - lowest + _EPSILON)
    levels = np.rint(stretched * (_LEVELS - 1)).astype(np.uint8)  # as OpenCV writes a float picture
    predicted, shared = _at_least(levels), _at_least(levels[true])
    areas = predicted + true.sum()  # never 0: the true mask is not empty
    return float(np.mean(2 * shared / areas)), float(np.mean(shared / (areas - shared)))


def _at_least(levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels reach each level: ``(256,)``."""
    counts = np.bincount(levels.ravel(), minlength=_LEVELS)
    reached: NDArray[np.int64] = counts[::-1].cumsum()[::-1]
    return reached
