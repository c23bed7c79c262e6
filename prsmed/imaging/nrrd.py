"""NRRD and MetaImage files, read by SimpleITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging.volume import Volume

_NRRD = frozenset({".nrrd", ".nhdr"})
# SimpleITK works in left-posterior-superior millimetres; RAS turns the first two around.
LPS_TO_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))


def read_nrrd(path: Path) -> Volume:
    """Read a volume; three uint8 components are colour; an NRRD file without ``space`` has no patient space.

    Raises:
        PRSMedError: ``unreadable_image``, ``not_3d``, ``bad_affine``, ``bad_voxels``.
    """
    try:
        image = itk_reader(path).Execute()
    except RuntimeError as error:
        if "determinant" in str(error):
            raise PRSMedError(
                "bad_affine", f"the axes in {path.name} do not span space; repair its space directions"
            ) from error
        raise PRSMedError(
            "unreadable_image",
            f"{path.name} is not a complete NRRD or MetaImage file; copy or export it again",
        ) from error
    channels = image.GetNumberOfComponentsPerPixel()
    is_color = channels == 3 and image.GetPixelID() == sitk.sitkVectorUInt8
    if image.GetDimension() > 3 or (channels != 1 and not is_color):
        raise PRSMedError(
            "not_3d",
            f"{path.name} has {image.GetDimension()} axes with {channels} value(s) a voxel; needed are 3 "
            "axes with one value, or three of 8 bits for colour: save one time point or channel a file",
        )
    return Volume(_voxels(image), _affine(image), has_patient_space=_has_patient_space(path, image))


def itk_reader(path: Path) -> sitk.ImageFileReader:
    """ITK's reader for what the file's ending says it is; by itself ITK would go by the content."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("NrrdImageIO" if path.suffix.lower() in _NRRD else "MetaImageIO")
    return reader


def _voxels(image: sitk.Image) -> NDArray[np.generic]:
    array: NDArray[np.generic] = sitk.GetArrayFromImage(image)
    if image.GetDimension() == 2:
        array = array[None]
    return array.transpose((2, 1, 0) if array.ndim == 3 else (2, 1, 0, 3))


def _affine(image: sitk.Image) -> NDArray[np.float64]:
    size = image.GetDimension()
    lps = np.eye(4)
    lps[:size, :size] = np.reshape(image.GetDirection(), (size, size)) * image.GetSpacing()
    lps[:size, 3] = image.GetOrigin()
    return LPS_TO_RAS @ lps


def _has_patient_space(path: Path, image: sitk.Image) -> bool:
    if image.GetDimension() == 2:
        return False
    return path.suffix.lower() not in _NRRD or image.HasMetaDataKey("NRRD_space")
