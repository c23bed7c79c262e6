"""NIfTI files (``.nii``, ``.nii.gz``)."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging.volume import Volume


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI volume.

    An image with neither sform nor qform has no patient space; its affine is then what ITK and Slicer assume.

    Raises:
        PRSMedError: ``unreadable_image`` for a damaged or truncated file, ``not_3d`` for time series and RGB,
            ``bad_affine``, ``bad_voxels``.
    """
    try:
        image = nib.load(path)
        _refuse_color(path, image.get_data_dtype())
        voxels = np.asanyarray(image.dataobj)
        has_patient_space = bool(image.header["sform_code"] or image.header["qform_code"])
        spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
        affine = image.affine if has_patient_space else np.diag((-spacing[0], -spacing[1], spacing[2], 1.0))
    except PRSMedError:
        raise
    except Exception as error:  # nibabel, gzip and zlib each have their own; all mean the same to the user
        raise PRSMedError(
            "unreadable_image", f"{path.name} is not a complete NIfTI file; copy or export it again"
        ) from error
    affine = np.asarray(affine, dtype=np.float64)
    return Volume(_as_3d(path, voxels), affine, has_patient_space=has_patient_space)


def _refuse_color(path: Path, dtype: np.dtype[np.generic]) -> None:
    if dtype.fields is not None or dtype.kind == "c":
        raise PRSMedError(
            "not_3d",
            f"{path.name} holds {'RGB' if dtype.fields else 'complex'} voxels; one number a voxel is needed: "
            "convert it to a single-channel volume, or save colour slices as PNG",
        )


def _as_3d(path: Path, voxels: NDArray[np.generic]) -> NDArray[np.generic]:
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim == 2:
        voxels = voxels[:, :, None]
    if voxels.ndim != 3:
        raise PRSMedError(
            "not_3d",
            f"{path.name} has shape {voxels.shape}; an image has 3 axes: "
            "save one time point or channel as its own file",
        )
    return voxels.astype(np.float32) if voxels.dtype.kind == "f" else voxels
