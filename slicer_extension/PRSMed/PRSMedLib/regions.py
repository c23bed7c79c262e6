"""The labels of a mask, each cut to what it covers, so that the scene need not look at the empty rest.

Looking through a large mask takes a second: it is done where the mask is unpacked, in the thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PRSMedLib.nrrd import Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Region:
    """All voxels of one label.

    Attributes:
        value: The label.
        start: First voxel ``(i, j, k)`` of the box around it.
        isLabel: ``(K, J, I)`` of that box, uint8 0 or 1.
    """

    value: int
    start: tuple[int, int, int]
    isLabel: NDArray[np.uint8]


@dataclass(frozen=True)
class Mask:
    """A label map by its labels.

    Attributes:
        size: Voxels along I, J and K.
        ijkToRas: ``(4, 4)``, voxel index to RAS millimetres.
        regions: One a label, by value.
    """

    size: tuple[int, int, int]
    ijkToRas: NDArray[np.float64]
    regions: tuple[Region, ...]


def maskOf(image: Image) -> Mask:
    """Take a label map apart."""
    import numpy as np

    depth, height, width = image.voxels.shape
    filled = np.flatnonzero(image.voxels.any(axis=(1, 2)))
    regions: tuple[Region, ...] = ()
    if filled.size:
        first = int(filled[0])
        slab = image.voxels[first : int(filled[-1]) + 1]
        values = [int(value) for value in np.unique(slab) if value]
        regions = tuple(_region(slab == value, value, first) for value in values)
    return Mask((width, height, depth), image.ijkToRas, regions)


def _region(isLabel: NDArray[np.bool_], value: int, first: int) -> Region:
    import numpy as np

    # First and last index along K, J, I.
    lines = [np.flatnonzero(isLabel.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    (k0, k1), (j0, j1), (i0, i1) = ((int(line[0]), int(line[-1]) + 1) for line in lines)
    box = np.ascontiguousarray(isLabel[k0:k1, j0:j1, i0:i1], np.uint8)
    return Region(value, (i0, j0, first + k0), box)
