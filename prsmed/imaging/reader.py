"""One door for every image file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from prsmed.errors import PRSMedError
from prsmed.imaging.dicom import read_dicom_file, read_dicom_folder
from prsmed.imaging.dicom_header import has_magic
from prsmed.imaging.nifti import read_nifti
from prsmed.imaging.nrrd import read_nrrd
from prsmed.imaging.picture import read_picture
from prsmed.imaging.volume import Volume

_READERS: dict[str, Callable[[Path], Volume]] = {
    ".nii": read_nifti,
    ".nii.gz": read_nifti,
    ".nrrd": read_nrrd,
    ".nhdr": read_nrrd,
    ".mha": read_nrrd,
    ".mhd": read_nrrd,
    ".png": read_picture,
    ".jpg": read_picture,
    ".jpeg": read_picture,
    ".tif": read_picture,
    ".tiff": read_picture,
    ".bmp": read_picture,
    ".dcm": read_dicom_file,
}


def read_volume(path: str | Path) -> Volume:
    """Read an image: a folder with one DICOM series, a DICOM file, NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF.

    Args:
        path: File or folder. A file without a known ending is tried as DICOM.

    Returns:
        The image with its place in the patient, where the file knows it.

    Raises:
        PRSMedError: ``file_not_found``, ``unreadable_image``, ``unknown_format``, ``not_3d``, ``bad_affine``,
            ``bad_voxels``, and the DICOM codes of :mod:`prsmed.imaging.dicom`.
    """
    path = Path(path)
    if not path.exists():
        raise PRSMedError("file_not_found", f"{path.name} does not exist; check the path")
    volume = read_dicom_folder(path) if path.is_dir() else _reader_of(path)(path)
    if volume.voxels.dtype.kind == "f" and not np.isfinite(volume.voxels).any():
        raise PRSMedError("bad_voxels", f"{path.name} holds nothing but NaN or infinity; export it again")
    return volume


def has_known_ending(path: Path) -> bool:
    """Whether a file's name says that :func:`read_volume` reads it."""
    return path.name.lower().endswith(tuple(_READERS))


def _reader_of(path: Path) -> Callable[[Path], Volume]:
    name = path.name.lower()
    for ending, reader in _READERS.items():
        if name.endswith(ending):
            return reader
    if has_magic(path):
        return read_dicom_file
    endings = ", ".join(_READERS)
    raise PRSMedError(
        "unknown_format",
        f"{path.name} is in no known format; give a folder of DICOM files or one of {endings}",
    )
