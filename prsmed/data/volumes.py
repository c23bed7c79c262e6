"""A slice of a volume with the mask drawn on it; the volume last used stays in memory, with its labels."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from prsmed.data.pictures import masks_of
from prsmed.data.record import Record
from prsmed.errors import PRSMedError
from prsmed.imaging.plane import ImageSlice, extract, take
from prsmed.imaging.reader import read_volume
from prsmed.imaging.volume import Volume

_SAME_MM = 1e-2  # files of one grid written by different programs differ by rounding only


def read_slice(record: Record, root: Path) -> tuple[ImageSlice, NDArray[np.uint8]]:
    """Read the slice a record shows, and its mask.

    Args:
        record: With ``plane`` and ``slice``; its image may be a folder with one DICOM series.
        root: Folder its paths are relative to.

    Returns:
        The slice in display orientation with raw values; ``(rows, cols)`` uint8 mask of 0 and 1.

    Raises:
        PRSMedError: ``missing_image``, ``missing_mask``, ``bad_image`` and ``bad_mask`` for what
            :func:`~prsmed.imaging.reader.read_volume` refuses, ``other_grid``, ``slice_out_of_range``.
    """
    assert record.plane is not None
    assert record.slice is not None
    volume = open_volume(root, record.image, "image")
    image_slice = extract(volume, record.plane, record.slice)
    is_target = np.zeros(image_slice.shape, dtype=np.bool_)
    for path in masks_of(record):
        labels = open_volume(root, path, "mask")
        check_grid(volume, labels, path)
        values: NDArray[Any] = take(labels.voxels, image_slice)
        is_target |= np.isin(values, record.labels) if record.labels else values > 0
    return image_slice, is_target.astype(np.uint8)


def open_volume(root: Path, path: str, what: Literal["image", "mask"]) -> Volume:
    """Read a volume, or take it from the two that were read last.

    Args:
        root: Data folder.
        path: Below it.
        what: Which of the two it is, for the error's code.

    Raises:
        PRSMedError: ``missing_image`` or ``missing_mask``, ``bad_image`` or ``bad_mask``.
    """
    try:
        return _read(root / path, (root / path).stat().st_mtime_ns)
    except OSError:
        raise PRSMedError(f"missing_{what}", f"{path} is not in the folder; copy the set anew") from None
    except PRSMedError as error:
        raise PRSMedError(f"bad_{what}", f"{path} cannot be used: {error}") from None


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> Volume:
    """``changed`` is part of the key only: labels may be corrected between two builds of one process."""
    return read_volume(path)


def check_grid(volume: Volume, labels: Volume, path: str) -> None:
    """Make sure that a label map, read from ``path``, lies on its image's grid.

    Raises:
        PRSMedError: ``other_grid``.
    """
    if labels.voxels.shape != volume.shape:
        raise PRSMedError(
            "other_grid", f"{path} has {labels.voxels.shape} voxels, its image {volume.shape}; resample it to the image"
        )
    corners = np.array([[*corner, 1] for corner in product(*((0, count) for count in volume.shape))])
    if np.abs(corners @ (volume.affine - labels.affine).T).max() > _SAME_MM:
        raise PRSMedError(
            "other_grid", f"{path} lies elsewhere in the patient than its image; resample it to the image"
        )
