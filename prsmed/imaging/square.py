"""The model's square: a slice letterboxed at equal millimetres per pixel, and the way back.

Training data, inference and evaluation all go through these two functions, so the model always sees the same
geometry it learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Color = tuple[int, int, int]
BLACK: Color = (0, 0, 0)

_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True)
class SquareFit:
    """Where a slice lies inside its square.

    Attributes:
        rows: Pixel rows of the slice.
        cols: Pixel columns of the slice.
        size: Side of the square in pixels.
        top: First row of the square that holds the slice.
        left: First column of the square that holds the slice.
        height: Rows of the square that hold the slice.
        width: Columns of the square that hold the slice.
        mm_per_pixel: Millimetres a pixel of the square covers, in both directions.
    """

    rows: int
    cols: int
    size: int
    top: int
    left: int
    height: int
    width: int
    mm_per_pixel: float

    def apply_mask(self, mask: NDArray[_Number]) -> NDArray[_Number]:
        """Bring a label mask ``(rows, cols)`` into the square ``(size, size)``: nearest, 0 around it.

        Raises:
            ValueError: The mask has another shape than the slice.
        """
        _check_shape(mask, (self.rows, self.cols))
        row = _nearest(self.height, self.rows)
        col = _nearest(self.width, self.cols)
        square = np.zeros((self.size, self.size), dtype=mask.dtype)
        square[self._content] = mask[np.ix_(row, col)]
        return square

    @property
    def _content(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def to_square(
    pixels: NDArray[np.uint8], spacing: tuple[float, float], size: int, pad_color: Color = BLACK
) -> tuple[NDArray[np.uint8], SquareFit]:
    """Letterbox a picture: aspect kept in millimetres, centred, antialiased.

    Args:
        pixels: ``(rows, cols, 3)`` uint8.
        spacing: ``(row_mm, col_mm)``, distance between neighbouring rows and between neighbouring columns.
        size: Side of the square in pixels.
        pad_color: What is around it, as the model was taught.

    Returns:
        The square ``(size, size, 3)`` and how to come back from it.
    """
    fit = fit_square((pixels.shape[0], pixels.shape[1]), spacing, size)
    square = Image.new("RGB", (size, size), pad_color)
    resized = Image.fromarray(np.ascontiguousarray(pixels)).resize((fit.width, fit.height), Image.Resampling.BILINEAR)
    square.paste(resized, (fit.left, fit.top))
    return np.array(square), fit


def from_square(values: NDArray[np.float32] | NDArray[np.float64], fit: SquareFit) -> NDArray[np.float32]:
    """Bring values of the square (probabilities) back to the slice's pixels, bilinear.

    Args:
        values: ``(size, size)``.
        fit: What :func:`to_square` returned with the square.

    Returns:
        ``(rows, cols)`` float32.

    Raises:
        ValueError: The values have another shape than the square.
    """
    _check_shape(values, (fit.size, fit.size))
    content = np.ascontiguousarray(values[fit._content], dtype=np.float32)
    resized = Image.fromarray(content).resize((fit.cols, fit.rows), Image.Resampling.BILINEAR)
    return np.array(resized, dtype=np.float32)


def fit_square(shape: tuple[int, int], spacing: tuple[float, float], size: int) -> SquareFit:
    """Where a slice of ``(rows, cols)`` pixels lies in a square, as :func:`to_square` puts it there."""
    rows, cols = shape
    height_mm, width_mm = rows * spacing[0], cols * spacing[1]
    mm_per_pixel = max(height_mm, width_mm) / size
    height = max(1, round(height_mm / mm_per_pixel))
    width = max(1, round(width_mm / mm_per_pixel))
    top, left = (size - height) // 2, (size - width) // 2
    return SquareFit(rows, cols, size, top, left, height, width, mm_per_pixel)


def _nearest(count: int, source_count: int) -> NDArray[np.intp]:
    """Source index under the centre of each of ``count`` pixels that together cover ``source_count``."""
    return ((np.arange(count) + 0.5) * source_count / count).astype(np.intp)


def _check_shape(array: NDArray[np.generic], shape: tuple[int, int]) -> None:
    if array.shape != shape:
        raise ValueError(f"array has shape {array.shape}; it must be {shape}")
