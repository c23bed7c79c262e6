"""A medical image in memory: voxels, their place in the patient, and what is known about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import gcd

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError

SOFT_TISSUE = (40.0, 400.0)
# Of more than twice as many values only about so many are looked at, evenly spread.
_SAMPLES = 1_000_000


@dataclass(frozen=True)
class Volume:
    """One image: a CT or MR volume, a radiograph, an ultrasound frame stack, a photograph.

    Attributes:
        voxels: ``(I, J, K)`` numbers, or ``(I, J, K, 3)`` uint8 for colour. A 2-D image has ``K == 1``,
            ``i`` along its columns (x) and ``j`` along its rows (y).
        affine: ``(4, 4)`` float, voxel index ``(i, j, k, 1)`` to RAS millimetres.
        modality: DICOM modality code (``"CT"``, ``"MR"``, ``"CR"``, ``"US"``...), ``""`` when unknown.
        window: ``(center, width)`` stored with the image, or ``None``.
        has_patient_space: ``False`` when the affine is only a convention (PNG, JPEG): left is unknown.
        identifiers: Non-identifying facts such as series and frame-of-reference UID.

    Raises:
        PRSMedError: ``bad_voxels`` or ``bad_affine`` when the parts do not make an image.
    """

    voxels: NDArray[np.generic]
    affine: NDArray[np.float64]
    modality: str = ""
    window: tuple[float, float] | None = None
    has_patient_space: bool = True
    identifiers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        is_color = self.voxels.ndim == 4 and self.voxels.shape[3] == 3
        if self.voxels.ndim != 3 and not is_color:
            raise PRSMedError(
                "bad_voxels",
                f"an image has 3 axes (or 4 with red, green, blue last), not shape {self.voxels.shape}; "
                "save one time point or channel as its own file",
            )
        if min(self.voxels.shape) == 0:
            raise PRSMedError("bad_voxels", f"the image is empty: shape {self.voxels.shape}; every axis needs a voxel")
        check_affine(self.affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxel counts ``(I, J, K)``."""
        i, j, k = self.voxels.shape[:3]
        return i, j, k

    @property
    def is_color(self) -> bool:
        """Whether the voxels are red, green, blue."""
        return self.voxels.ndim == 4

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in mm between neighbouring voxels along i, j and k."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @cached_property
    def default_window(self) -> tuple[float, float] | None:
        """``(center, width)`` to show the image with when nobody asks for another; ``None`` for colour.

        The window stored with the image; else soft tissue for CT (or values that can only be Hounsfield
        units, as in a NIfTI file without a modality); else all 256 grays of an 8-bit picture; else robust
        percentiles of the whole volume. The same in whichever order and direction its axes are stored.
        """
        if self.is_color:
            return None
        if self.window is not None:
            return self.window
        if not self.has_patient_space and self.voxels.dtype == np.uint8:
            return 127.5, 255.0
        # Nearest to RAS, so that the same voxels are sampled however they are stored.
        center, width = robust_window(nib.apply_orientation(self.voxels, nib.io_orientation(self.affine)))
        is_hounsfield = self.modality == "CT" or (self.modality == "" and center - width / 2 <= -900)
        return SOFT_TISSUE if is_hounsfield else (center, width)


def robust_window(values: NDArray[np.generic]) -> tuple[float, float]:
    """``(center, width)`` from the 0.5th to the 99.5th percentile of the finite values.

    Of two million values and more every n-th is looked at, in the order of the axes.
    """
    step = max(1, values.size // _SAMPLES)
    while any(gcd(step, count) > 1 for count in values.shape):
        step += 1  # a step of as many as an axis has would see one slice only
    samples = values.flat[::step].astype(np.float64)
    finite = samples[np.isfinite(samples)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(finite, (0.5, 99.5))
    return float(low + high) / 2, max(float(high - low), 1e-6 * max(1.0, abs(float(high))))


def check_affine(affine: NDArray[np.float64]) -> None:
    """Raise ``bad_affine`` unless ``affine`` is a finite, invertible ``(4, 4)`` voxel-to-RAS matrix."""
    if affine.shape != (4, 4):
        raise PRSMedError("bad_affine", f"the affine has shape {affine.shape}; it must be (4, 4)")
    if not np.isfinite(affine).all():
        raise PRSMedError(
            "bad_affine", "the affine holds NaN or infinity; repair the file's orientation (sform, qform)"
        )
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if (spacing == 0).any() or abs(np.linalg.det(affine[:3, :3] / spacing)) < 1e-6:
        raise PRSMedError(
            "bad_affine", "the affine is singular: its axes do not span space; repair the file's orientation"
        )
