"""Distances between the outlines of two masks, by MONAI's implementations.

Unit: pixels of the model's square, since pictures carry no spacing. Empty-mask policy: both are defined only where
the target is present; an empty prediction then gets the longest distance there is, the square's diagonal, and a
surface Dice of 0.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.surface_dice import compute_surface_dice
from numpy.typing import NDArray

TOLERANCE_PX = 2.0
"""Outlines this near to each other count as the same: 0.8 % of nano's square of 256."""


def hd95(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """The larger of the two 95th percentiles of distances from one outline to the other.

    Args:
        predicted: ``(S, S)`` bool.
        true: ``(S, S)`` bool, not empty.
    """
    if not predicted.any():
        return math.hypot(*true.shape)
    with warnings.catch_warnings():
        _hide_monais_own()
        found = compute_hausdorff_distance(_batch(predicted), _batch(true), include_background=True, percentile=95)
    return float(found)


def surface_dice(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Share of both outlines within :data:`TOLERANCE_PX` of the other (normalised surface distance).

    Arguments as for :func:`hd95`.
    """
    if not predicted.any():
        return 0.0
    with warnings.catch_warnings():
        _hide_monais_own()
        found = compute_surface_dice(_batch(predicted), _batch(true), [TOLERANCE_PX], include_background=True)
    return float(found)


def _hide_monais_own() -> None:
    """MONAI 1.5 warns of an argument that it passes to itself."""
    warnings.filterwarnings("ignore", ".*always_return_as_numpy.*", FutureWarning)


def _batch(mask: NDArray[np.bool_]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(mask))[None, None]
