"""A DICOM series as the one file that stock clients download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from prsmed.imaging import Volume
from prsmed.imaging.nrrd import LPS_TO_RAS


def write_image(volume: Volume, path: Path) -> None:
    """Write an image as NRRD, with its colour and its geometry to the last digit; uncompressed, for speed."""
    axes = (2, 1, 0, 3) if volume.is_color else (2, 1, 0)
    image = sitk.GetImageFromArray(volume.voxels.transpose(axes), isVector=volume.is_color)
    lps = LPS_TO_RAS @ volume.affine
    image.SetSpacing(volume.spacing)
    image.SetDirection((lps[:3, :3] / np.array(volume.spacing)).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path))
