"""Small turns, of a picture in its pixels and of a slice in its millimetres."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prsmed.data.pictures import Pixels
from prsmed.data.record import Record
from prsmed.imaging.plane import ImageSlice

_Value = TypeVar("_Value", bound=np.generic)

# Radiographs are taken upright; a photograph is held as it happens; a head or breast lies a little askew.
_LARGEST = {"lung_xray": 0.0, "skin_dermoscopy": 20.0, "polyp_endoscopy": 20.0, "phantom_photo": 20.0}
_OTHERS = 10.0


def small_angle(record: Record, rng: np.random.Generator) -> float:
    """An angle in degrees that an image of this kind could have been taken at; 0 for radiographs."""
    largest = _LARGEST.get(record.modality, _OTHERS)
    return float(rng.uniform(-largest, largest))


def rotate(
    image: Pixels, mask: Pixels, degrees: float, spacing: tuple[float, float] = (1.0, 1.0)
) -> tuple[Pixels, Pixels]:
    """Turn image and mask together about the middle, black where nothing was.

    Args:
        image: ``(rows, cols)`` or ``(rows, cols, 3)`` uint8; interpolated linearly.
        mask: ``(rows, cols)`` uint8; nearest pixel.
        degrees: Counter-clockwise on the screen.
        spacing: ``(row_mm, col_mm)``: with pixels that are not square a turn is one in the patient, not of the grid.
    """
    matrix = _matrix(mask.shape, degrees, spacing)
    return _resample(image, matrix, order=1), _resample(mask, matrix, order=0)


def rotate_slice(image_slice: ImageSlice, degrees: float) -> ImageSlice:
    """Turn a slice as :func:`rotate` does, its affine with it: every point keeps its place in the patient.

    Its ``volume_shape``, ``axes`` and ``index`` still name the slice it was; the turned one has no voxels of its own.
    """
    rows, cols = image_slice.shape
    matrix = _matrix((rows, cols), degrees, image_slice.spacing)
    in_slice = np.eye(4)
    in_slice[:2, :2], in_slice[:2, 3] = matrix[:2, :2], matrix[:2, 2]
    pixels = _resample(image_slice.pixels, matrix, order=1)
    return replace(image_slice, pixels=pixels, affine=image_slice.affine @ in_slice)


def _matrix(shape: tuple[int, ...], degrees: float, spacing: tuple[float, float]) -> NDArray[np.float64]:
    """``(3, 3)``: a pixel ``(row, col, 1)`` of the turned image to the point of the old one that it shows."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    to_mm, to_pixels = np.diag(spacing), np.diag(1 / np.asarray(spacing))
    matrix = np.eye(3)
    matrix[:2, :2] = to_pixels @ np.array([[cosine, sine], [-sine, cosine]]) @ to_mm
    middle = (np.array(shape[:2]) - 1) / 2
    matrix[:2, 2] = middle - matrix[:2, :2] @ middle
    return matrix


def _resample(array: NDArray[_Value], matrix: NDArray[np.float64], order: int) -> NDArray[_Value]:
    if array.ndim == 3:
        return np.stack([_resample(channel, matrix, order) for channel in np.moveaxis(array, 2, 0)], axis=2)
    outside = 0 if array.dtype == np.uint8 else array.min()  # of raw values the lowest is air
    turned: NDArray[_Value] = ndimage.affine_transform(array, matrix, order=order, cval=outside)
    return turned
