"""Which regions of a mask are worth showing, beside the one the model is surest of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prsmed.position.zones import box_of


def confident_regions(
    mask: NDArray[np.bool_], probability: NDArray[np.floating[Any]], share: float
) -> NDArray[np.bool_]:
    """Drop the regions a model is less sure of than of its surest.

    A lesion is drawn with probabilities near 1 and a false alarm beside it mostly with lower ones, whatever
    their sizes. One false second region makes "where is it?" wrong, so doubt is no ground to show it.

    Args:
        mask: ``(rows, cols)``; pixels touching at a corner are connected.
        probability: ``(rows, cols)``, 0..1.
        share: A region stays when its mean probability is at least this share of the highest region's; 0 keeps all.

    Returns:
        ``(rows, cols)`` bool: whole regions of ``mask``, the surest among them.
    """
    if share <= 0:
        return mask
    box = box_of(mask)
    labels, count = ndimage.label(mask[box], structure=np.ones((3, 3)))
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sums = np.bincount(labels.ravel(), probability[box].ravel())
    confidence = sums[1:] / sizes[1:]
    is_kept = np.append(False, confidence >= share * confidence.max())
    result = np.zeros_like(mask)
    result[box] = is_kept[labels]
    return result
