"""Which slice of the voxels does a slice view show? Plain matrices, no MRML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

# By how many voxels a view may leave a slice from one end of the volume to the other: less than to the next slice.
_TOLERANCE_VOXELS = 0.45
_PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class ShownSlice:
    """A slice of the voxels.

    Attributes:
        axis: Array axis it is across: 0 for I, 1 for J, 2 for K.
        index: Voxel index along that axis.
        plane: ``"axial"``, ``"coronal"`` or ``"sagittal"``, as the server names the axis.
        count: How many slices there are along the axis.
    """

    axis: int
    index: int
    plane: str
    count: int


def shownSlice(sliceToRas: Matrix, ijkToWorld: Matrix, ijkToRas: Matrix, size: Sequence[int]) -> ShownSlice:
    """The slice of the voxels that a slice view shows.

    Args:
        sliceToRas: The view's ``(4, 4)`` matrix.
        ijkToWorld: Voxel index to RAS with the volume's parent transforms.
        ijkToRas: The same without them, by which the server names planes.
        size: Voxels along I, J and K.

    Raises:
        Problem: ``oblique_view`` when the view cuts through several slices; ``outside`` when it shows none.
    """
    import numpy as np

    sliceToIjk = np.linalg.inv(ijkToWorld) @ sliceToRas
    # Of each array axis: how far one goes along it over the whole volume when one moves within the view.
    worldToView = np.linalg.inv(sliceToRas) @ ijkToWorld
    reach = np.abs(worldToView[:2, :3]) @ np.asarray(size)
    drift = np.abs(sliceToIjk[:3, :2]) @ reach
    axis = int(np.argmin(drift / np.maximum(np.asarray(size), 1)))
    if drift[axis] > _TOLERANCE_VOXELS and size[axis] > 1:
        raise Problem(
            "oblique_view",
            _("This view cuts through several slices of the volume. Press Align view, or ask about the whole volume."),
        )
    index = int(np.floor(sliceToIjk[axis, 3] + 0.5))
    if not 0 <= index < size[axis]:
        raise Problem("outside", _("This view shows no slice of the volume. Scroll to the volume, then ask again."))
    return ShownSlice(axis, index, planeOfAxis(ijkToRas, axis), int(size[axis]))


def planeOfAxis(ijkToRas: Matrix, axis: int) -> str:
    """The plane across an array axis: the one whose normal it is closest to, each plane taken once."""
    import numpy as np

    directions = ijkToRas[:3, :3] / np.linalg.norm(ijkToRas[:3, :3], axis=0)
    # Nearest orthonormal matrix; of the pairs the surest axis chooses first (as nibabel's io_orientation does).
    left, _values, right = np.linalg.svd(directions)
    rest: Any = np.abs(left @ right)
    planes = {}
    for column in np.argsort(-np.max(rest, axis=0), kind="stable"):
        row = int(np.argmax(rest[:, column]))
        rest[row, :] = -1
        planes[int(column)] = _PLANES[row]
    return planes[axis]
