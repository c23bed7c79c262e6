"""Anatomical planes: a slice out of a volume in radiological orientation, and a mask back into its voxels.

An array axis belongs to the plane whose normal it is closest to; axes and planes are paired one to one
(``nibabel.io_orientation``), so oblique volumes work too and nothing is ever resampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging.volume import Volume

Plane = Literal["axial", "coronal", "sagittal"]
_Number = TypeVar("_Number", bound=np.generic)
PLANES: tuple[Plane, ...] = get_args(Plane)

# World axes (0 R, 1 A, 2 S) of rows, columns and normal, in radiological display.
_WORLD_AXES: dict[Plane, tuple[int, int, int]] = {
    "axial": (1, 0, 2),
    "coronal": (2, 0, 1),
    "sagittal": (2, 1, 0),
}
# An axis is the direction of acquisition when its spacing is this many times the next largest.
_ANISOTROPIC = 1.5


@dataclass(frozen=True)
class ImageSlice:
    """One slice in display orientation.

    Rows and columns run as docs/architecture.md says: down the picture is posterior (axial) or inferior, to
    the right is the patient's left (axial, coronal) or posterior (sagittal).

    Attributes:
        pixels: ``(rows, cols)`` raw values, or ``(rows, cols, 3)`` uint8 colour.
        plane: Which plane it lies in.
        index: Voxel index along the volume's array axis that is the plane's normal.
        affine: ``(4, 4)``, maps ``(row, col, 0, 1)`` to the RAS millimetres of a pixel's centre; the third
            column is the step to the slice with the next index.
        spacing: ``(row_mm, col_mm)``.
        thickness_mm: Distance to the next slice.
        modality: DICOM modality code, ``""`` when unknown.
        window: ``(center, width)`` to show it with by default, the same for every slice of a volume; ``None``
            for colour.
        has_patient_space: Whether left and right of the patient are known.
        volume_shape: ``(I, J, K)`` of the volume it comes from.
        axes: Array axes of rows, columns and normal, e.g. ``(1, 0, 2)``.
        flips: Whether rows and columns run against their array axis.
    """

    pixels: NDArray[np.generic]
    plane: Plane
    index: int
    affine: NDArray[np.float64]
    spacing: tuple[float, float]
    thickness_mm: float
    modality: str
    window: tuple[float, float] | None
    has_patient_space: bool
    volume_shape: tuple[int, int, int]
    axes: tuple[int, int, int]
    flips: tuple[bool, bool]

    @property
    def shape(self) -> tuple[int, int]:
        """Pixel counts ``(rows, cols)``."""
        return self.volume_shape[self.axes[0]], self.volume_shape[self.axes[1]]


def native_plane(volume: Volume) -> Plane:
    """The plane the volume was acquired in.

    Its normal is the axis of a single slice, else the axis with clearly the largest spacing, else the K axis.
    Without patient space there is one plane, the stored one, and it is called axial.
    """
    normal = _native_axis(volume)
    return next(plane for plane in PLANES if _axes(volume, plane)[0][2] == normal)


def slice_count(volume: Volume, plane: Plane) -> int:
    """How many slices the volume has along a plane's normal.

    Raises:
        PRSMedError: ``unknown_plane``, or ``plane_not_available`` (see :func:`extract`).
    """
    _check_plane(volume, plane)
    return volume.shape[_axes(volume, plane)[0][2]]


def extract(volume: Volume, plane: Plane, index: int) -> ImageSlice:
    """Take one slice out of a volume, in radiological display orientation.

    Args:
        volume: The image.
        plane: ``"axial"``, ``"coronal"`` or ``"sagittal"``.
        index: Voxel index along the array axis closest to the plane's normal, from 0.

    Raises:
        PRSMedError: ``unknown_plane``; ``slice_out_of_range``; ``plane_not_available`` for a plane other than
            the native one of an image without patient space or with a single slice (it would be one pixel
            thin).
    """
    count = slice_count(volume, plane)
    if not 0 <= index < count:
        raise PRSMedError(
            "slice_out_of_range",
            f"slice {index} is outside 0..{count - 1} on the {plane} plane; choose one inside",
        )
    axes, flips = _axes(volume, plane)
    affine = volume.affine @ _slice_to_voxel(volume.shape, axes, flips, index)
    step = np.linalg.norm(affine[:3, :3], axis=0)
    return ImageSlice(
        pixels=_to_display_order(volume.voxels, axes, flips, index),
        plane=plane,
        index=index,
        affine=affine,
        spacing=(float(step[0]), float(step[1])),
        thickness_mm=float(step[2]),
        modality=volume.modality,
        window=volume.default_window,
        has_patient_space=volume.has_patient_space,
        volume_shape=volume.shape,
        axes=axes,
        flips=flips,
    )


def place(mask: NDArray[np.generic], image_slice: ImageSlice, out: NDArray[np.generic]) -> None:
    """Write a mask drawn on a slice into the volume's own voxel grid, in place; nothing else changes.

    Args:
        mask: ``(rows, cols)`` as displayed.
        image_slice: The slice it was drawn on.
        out: ``(I, J, K)`` array on the volume's grid.

    Raises:
        ValueError: The mask does not fit the slice, or ``out`` does not fit the volume.
    """
    if mask.shape != image_slice.shape:
        raise ValueError(f"mask has shape {mask.shape}; the slice has {image_slice.shape}")
    if out.shape != image_slice.volume_shape:
        raise ValueError(f"out has shape {out.shape}; the volume has {image_slice.volume_shape}")
    _to_display_order(out, image_slice.axes, image_slice.flips, image_slice.index)[...] = mask


def take(array: NDArray[_Number], image_slice: ImageSlice) -> NDArray[_Number]:
    """The same slice, as displayed, of another ``(I, J, K)`` array on the volume's grid: :func:`place` backwards."""
    return _to_display_order(array, image_slice.axes, image_slice.flips, image_slice.index)


def slice_voxel(image_slice: ImageSlice, row: float, col: float) -> tuple[float, float, float]:
    """Voxel indices ``(i, j, k)`` of the volume under a point; ``(0, 0)`` is the first pixel's centre."""
    matrix = _slice_to_voxel(image_slice.volume_shape, image_slice.axes, image_slice.flips, image_slice.index)
    i, j, k, _ = matrix @ (row, col, 0.0, 1.0)
    return float(i), float(j), float(k)


def _check_plane(volume: Volume, plane: str) -> None:
    if plane not in PLANES:
        raise PRSMedError("unknown_plane", f"plane {plane!r} is unknown; choose one of {', '.join(PLANES)}")
    if volume.has_patient_space and min(volume.shape) > 1:
        return
    native = native_plane(volume)
    if plane != native:
        why = "has a single slice" if volume.has_patient_space else "carries no patient space"
        raise PRSMedError(
            "plane_not_available", f"the image {why} and cannot be cut on the {plane} plane; choose {native}"
        )


def _native_axis(volume: Volume) -> int:
    single = [axis for axis in (2, 1, 0) if volume.shape[axis] == 1]
    if single or not volume.has_patient_space:
        return single[0] if volume.has_patient_space else 2
    order = np.argsort(volume.spacing)
    largest, second = volume.spacing[order[2]], volume.spacing[order[1]]
    return int(order[2]) if largest >= _ANISOTROPIC * second else 2


def _axes(volume: Volume, plane: Plane) -> tuple[tuple[int, int, int], tuple[bool, bool]]:
    """Array axes of rows, columns and normal, and whether rows and columns run against theirs."""
    if not volume.has_patient_space:
        stored = {"axial": (1, 0, 2), "coronal": (2, 0, 1), "sagittal": (2, 1, 0)}
        return stored[plane], (False, False)
    orientation = nib.io_orientation(volume.affine)
    array_axis = [int(np.flatnonzero(orientation[:, 0] == world)[0]) for world in range(3)]
    row, col, normal = (array_axis[world] for world in _WORLD_AXES[plane])
    # Rows and columns run towards P, I and L, so an array axis that grows towards R, A or S is flipped.
    return (row, col, normal), (bool(orientation[row, 1] > 0), bool(orientation[col, 1] > 0))


def _to_display_order(
    voxels: NDArray[_Number], axes: tuple[int, int, int], flips: tuple[bool, bool], index: int
) -> NDArray[_Number]:
    """A view ``(rows, cols)`` or ``(rows, cols, 3)`` of one slice; writing to it writes to ``voxels``."""
    row, col, normal = axes
    view = np.moveaxis(voxels, (row, col, normal), (0, 1, 2))[:, :, index]
    return view[:: -1 if flips[0] else 1, :: -1 if flips[1] else 1]


def _slice_to_voxel(
    shape: tuple[int, int, int], axes: tuple[int, int, int], flips: tuple[bool, bool], index: int
) -> NDArray[np.float64]:
    """``(4, 4)`` matrix from ``(row, col, 0, 1)`` to voxel ``(i, j, k, 1)``."""
    matrix = np.zeros((4, 4))
    for column, (axis, is_flipped) in enumerate(zip(axes[:2], flips, strict=True)):
        matrix[axis, column] = -1.0 if is_flipped else 1.0
        matrix[axis, 3] = shape[axis] - 1 if is_flipped else 0
    matrix[axes[2], 2] = 1.0
    matrix[axes[2], 3] = index
    matrix[3, 3] = 1.0
    return matrix
