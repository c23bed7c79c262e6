"""Corrections of drawn volumes: a bright ball in noise, in a CT-like grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from prsmed.learning.correction import Correction

SHAPE, SPACING = (40, 36, 20), (1.0, 1.0, 3.0)
FIRST, LAST = 6, 13
"""Slices that show the ball."""


def write_correction(
    folder: Path, name: str, *, shift: int = 0, mask: NDArray[np.uint8] | None = None, **told: Any
) -> Correction:
    """An image ``name`` below ``folder`` with its label; the ball is ``shift`` voxels to the side."""
    folder.mkdir(parents=True, exist_ok=True)
    marked = ball(shift) if mask is None else mask
    noise = np.random.default_rng(len(name)).normal(100, 10, SHAPE)
    affine = np.diag([*SPACING, 1.0])
    image, label = folder / f"{name}.nii.gz", folder / f"{name}-label.nii.gz"
    nib.save(nib.Nifti1Image((noise + 80 * ball(shift)).astype(np.int16), affine), image)
    nib.save(nib.Nifti1Image(marked, affine), label)
    return Correction(name, name, image, label, **{"names": {1: "gadget"}, **told})


def ball(shift: int = 0) -> NDArray[np.uint8]:
    i, j, k = np.ogrid[tuple(map(slice, SHAPE))]
    inside = (i - 12 - shift) ** 2 + (j - 14) ** 2 < 36
    return (inside & (k >= FIRST) & (k <= LAST)).astype(np.uint8)
