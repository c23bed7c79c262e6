"""Does a label map lie on its image, and which values does it hold?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging.volume import Volume

MAX_VALUE = 255
# How far apart, in voxels, a corner of the label and of the image may be.
_TOLERANCE = 0.1


def check_label_grid(label: Volume, image: Volume) -> None:
    """Refuse a label map that is not on its image's grid; pictures, which have no patient space, need its size only.

    Raises:
        PRSMedError: ``bad_label_grid``; ``bad_label_values`` for a colour picture.
    """
    if label.shape != image.shape:
        raise PRSMedError(
            "bad_label_grid",
            f"the label has {label.shape} voxels and its image {image.shape}; export it with the image as reference",
        )
    if label.is_color:
        raise PRSMedError("bad_label_values", "the label is a colour picture; save one number a pixel")
    if not (image.has_patient_space and label.has_patient_space):
        return
    corners = np.array(np.meshgrid(*[(0, count - 1) for count in image.shape], [1.0])).reshape(4, -1)
    apart = np.linalg.norm(((label.affine - image.affine) @ corners)[:3], axis=0).max()
    if apart > _TOLERANCE * min(image.spacing):
        raise PRSMedError(
            "bad_label_grid",
            f"the label lies up to {apart:.2f} mm away from its image; export it with the image as reference",
        )


def label_values(voxels: NDArray[np.generic]) -> set[int]:
    """The values of a label map other than 0.

    Raises:
        PRSMedError: ``bad_label_values`` unless all are whole numbers from 0 to 255.
    """
    values: NDArray[Any] = np.unique(voxels)
    if not np.isfinite(values).all() or (values != np.round(values)).any() or values[0] < 0 or values[-1] > MAX_VALUE:
        raise PRSMedError(
            "bad_label_values",
            f"the label holds values from {values[0]} to {values[-1]}; whole numbers from 0 to {MAX_VALUE} are labels",
        )
    return {int(value) for value in values if value}
