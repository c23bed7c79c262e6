"""Label maps to files, on the very grid of their image."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image

from prsmed.errors import PRSMedError
from prsmed.imaging.nrrd import LPS_TO_RAS
from prsmed.imaging.volume import Volume


def write_labelmap(mask: NDArray[np.uint8], volume: Volume, path: Path) -> None:
    """Write a label map with the geometry of its image.

    Args:
        mask: ``(I, J, K)`` uint8, 0 outside.
        volume: The image it belongs to.
        path: Ending ``.nii``, ``.nii.gz``, ``.nrrd``, or ``.png`` for an image of one slice (rows and columns
            as stored).

    Raises:
        PRSMedError: ``unknown_format`` for another ending; ``not_2d`` for a PNG of a volume. Nothing is
        written.
        ValueError: The mask is not on the volume's grid.
    """
    if mask.shape != volume.shape:
        raise ValueError(f"mask has shape {mask.shape}; the volume has {volume.shape}")
    labels = np.ascontiguousarray(mask, dtype=np.uint8)
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        nib.save(to_nifti(labels, volume.affine), path)
    elif name.endswith(".nrrd"):
        sitk.WriteImage(_to_itk(labels, volume.affine), str(path), useCompression=True)
    elif name.endswith(".png"):
        if volume.shape[2] != 1:
            raise PRSMedError(
                "not_2d", f"a PNG holds one slice, the mask has {volume.shape[2]}; write .nii.gz or .nrrd"
            )
        Image.fromarray(np.ascontiguousarray(labels[:, :, 0].T)).save(path)
    else:
        raise PRSMedError("unknown_format", f"{path.name} has no known ending; use .nii.gz, .nii, .nrrd or .png")


def to_nifti(voxels: NDArray[np.generic], affine: NDArray[np.float64]) -> nib.Nifti1Image:
    """A NIfTI image whose sform, and qform where it can, say ``affine``; a qform cannot say a sheared one."""
    image = nib.Nifti1Image(voxels, affine)
    image.set_sform(affine, code="scanner")
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    is_orthogonal = np.allclose(directions.T @ directions, np.eye(3), atol=1e-6)
    image.set_qform(affine if is_orthogonal else None, code="scanner" if is_orthogonal else 0)
    image.header.set_xyzt_units("mm")
    return image


def _to_itk(voxels: NDArray[np.generic], affine: NDArray[np.float64]) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels.transpose(2, 1, 0))
    lps = LPS_TO_RAS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image
