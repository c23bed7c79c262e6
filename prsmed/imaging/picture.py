"""Photographs and exported screens: PNG, JPEG, TIFF, BMP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from prsmed.errors import PRSMedError
from prsmed.imaging.volume import Volume

# i runs to the picture's right and j down; that is called left and posterior only to fill the affine.
PICTURE_AFFINE = np.diag((-1.0, -1.0, 1.0, 1.0))


def read_picture(path: Path) -> Volume:
    """Read a 2-D picture, upright (EXIF orientation applied), 16-bit gray kept, without patient space.

    Raises:
        PRSMedError: ``unreadable_image``, ``not_3d`` for a file of several pages.
    """
    try:
        with Image.open(path) as image:
            pages = getattr(image, "n_frames", 1)
            image.load()
            pixels = _pixels(ImageOps.exif_transpose(image))
    except Exception as error:  # PIL raises many kinds for damaged files; all mean the same to the user
        raise PRSMedError(
            "unreadable_image", f"{path.name} is not a complete picture; copy or export it again"
        ) from error
    if pages > 1:
        raise PRSMedError("not_3d", f"{path.name} has {pages} pages; save the one to ask about as its own file")
    voxels = np.moveaxis(pixels, 0, 1)[:, :, None]
    return Volume(voxels, PICTURE_AFFINE.copy(), has_patient_space=False)


def _pixels(image: Image.Image) -> NDArray[np.generic]:
    if image.mode in {"1", "L", "LA"}:
        return np.asarray(image.convert("L"))
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return np.asarray(image)
    return np.asarray(image.convert("RGB"))
