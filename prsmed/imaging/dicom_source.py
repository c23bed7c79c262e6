"""The DICOM objects behind a volume, and which of its voxels the pixels of a frame are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from prsmed.errors import PRSMedError
from prsmed.imaging.dicom_header import frame_place, has_magic, is_enhanced, is_image
from prsmed.imaging.dicom_stack import FramePlace, stack_affine
from prsmed.imaging.volume import Volume

# How far from its voxel's centre, in voxels, a pixel's may be: slices of a regular series are up to a tenth of a step
# from where the affine has them, and other software rounds positions.
_TOLERANCE = 0.25


@dataclass(frozen=True)
class Placement:
    """Which voxels the pixels of a frame are; some may lie outside the volume.

    Attributes:
        first: ``(i, j, k)`` of the first pixel.
        along: Step in ``(i, j, k)`` from one column to the next.
        down: Step from one row to the next.
        shape: ``(rows, cols)`` of the frame.
    """

    first: NDArray[np.intp]
    along: NDArray[np.intp]
    down: NDArray[np.intp]
    shape: tuple[int, int]

    @property
    def voxels(self) -> NDArray[np.intp]:
        """Indices ``(i, j, k)`` of every pixel, ``(3, rows, cols)``."""
        col, row = np.meshgrid(np.arange(self.shape[1]), np.arange(self.shape[0]))
        axes = (slice(None), None, None)
        return np.asarray(self.first[axes] + self.along[axes] * col + self.down[axes] * row)


@dataclass(frozen=True)
class SourceFrame:
    """One frame of an image series.

    Attributes:
        header: The object it belongs to.
        number: Which of its frames, from 0.
        placement: Its place in the volume.
    """

    header: Dataset
    number: int
    placement: Placement


def read_headers(path: Path) -> list[Dataset]:
    """The headers of the images in a DICOM file or series folder, without pixels.

    Raises:
        PRSMedError: ``dicom_no_images`` when there are none.
    """
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in files if has_magic(file)]
    headers = [header for header in headers if is_image(header)]
    if not headers:
        raise PRSMedError("dicom_no_images", f"{path.name} holds no DICOM images; give the folder of one series")
    return headers


def source_frames(headers: Sequence[Dataset], volume: Volume) -> list[SourceFrame]:
    """Every frame of a series, in the order of its slices in the volume.

    Raises:
        PRSMedError: ``seg_elsewhere`` when the series is not the volume's.
    """
    frames = []
    for header in headers:
        for number in range(int(header.get("NumberOfFrames") or 1)):
            place = frame_place(header, number if is_enhanced(header) else None) if is_placed(header) else None
            shape = int(header.Rows), int(header.Columns)
            placement = lay_flat(shape, number, volume) if place is None else lay_at(place, volume)
            last = placement.first + (shape[1] - 1) * placement.along + (shape[0] - 1) * placement.down
            if (np.minimum(placement.first, last) < 0).any() or (
                np.maximum(placement.first, last) >= volume.shape
            ).any():
                raise PRSMedError(
                    "seg_elsewhere",
                    "a slice of the series lies outside the image; give the very series it was read from",
                )
            frames.append(SourceFrame(header, number, placement))
    return sorted(frames, key=lambda frame: tuple(frame.placement.first[::-1]))


def is_placed(header: Dataset) -> bool:
    """Whether an image says where in the patient it lies (a radiograph or a film of ultrasound does not)."""
    if is_enhanced(header):
        return frame_place(header, 0) is not None
    return int(header.get("NumberOfFrames") or 1) == 1 and frame_place(header) is not None


def lay_at(place: FramePlace, volume: Volume) -> Placement:
    """Where a frame lies by its position in the patient.

    Raises:
        PRSMedError: ``seg_elsewhere`` when its pixels lie between voxels.
    """
    to_index = np.linalg.inv(volume.affine) @ stack_affine([place], 1.0)
    nearest = np.rint(to_index)
    rows, cols = place.shape
    corners = np.array([(col, row, 0, 1) for col in (0, cols - 1) for row in (0, rows - 1)]).T
    apart = float(np.abs((to_index - nearest) @ corners)[:3].max())
    if apart > _TOLERANCE or (np.abs(nearest[:3, :2]).sum(axis=0) != 1).any():
        raise PRSMedError(
            "seg_elsewhere",
            f"pixels lie up to {apart:.2f} voxels beside the image's, where at most {_TOLERANCE} is rounding; "
            "export the segmentation on the grid of the image",
        )
    steps = nearest[:3].astype(np.intp)
    return Placement(steps[:, 3], steps[:, 0], steps[:, 1], place.shape)


def lay_flat(shape: tuple[int, int], slice_index: int, volume: Volume) -> Placement:
    """Where a frame without a position lies: columns along i, rows along j.

    Args:
        shape: ``(rows, cols)``.
        slice_index: Index along k.
        volume: The image.

    Raises:
        PRSMedError: ``seg_elsewhere`` when the volume has another size.
    """
    if shape != (volume.shape[1], volume.shape[0]) or slice_index >= volume.shape[2]:
        raise PRSMedError(
            "seg_elsewhere",
            f"it has {shape[0]} rows and {shape[1]} columns, the image {volume.shape[1]} and {volume.shape[0]}; "
            "export the segmentation on the grid of the image",
        )
    first, along, down = np.array([(0, 0, slice_index), (1, 0, 0), (0, 1, 0)], dtype=np.intp)
    return Placement(first, along, down, shape)
