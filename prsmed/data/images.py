"""Pixels of a record: a picture, a slice of a volume, or drawn from a seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from scipy import ndimage

from prsmed.data.converse import RADIUS
from prsmed.data.pictures import Pixels, read_picture_pair
from prsmed.data.record import Box, Record
from prsmed.data.shown import Shown
from prsmed.data.volumes import read_slice
from prsmed.imaging.phantom import PhantomKind, phantom_slice
from prsmed.imaging.plane import ImageSlice
from prsmed.imaging.square import BLACK, Color, SquareFit, to_square
from prsmed.imaging.window import to_display
from prsmed.position.zones import locate_all

SIDE = 256
"""Side in pixels of the square the positions are measured in."""
_LESION_SHARE = 0.75  # of the phantoms; the others are truly empty
_UNIT_SPACING = (1.0, 1.0)  # pictures carry no spacing


def look(record: Record, root: Path) -> Shown:
    """See an image as a reader does: pixels, mask, and where the mask's regions are.

    Args:
        record: What to look at: a picture, a slice of a volume, or a phantom.
        root: Folder its paths are relative to.

    Returns:
        The image at its own size, a slice windowed as a screen shows it by default. Positions are those in the
        model's square (side :data:`SIDE`) by the box rule, near means within
        :data:`~prsmed.data.converse.RADIUS`.

    Raises:
        PRSMedError: What :func:`read_image` raises.
    """
    pixels, mask, image_slice = _read(record, root)
    shown = Shown(record, pixels, mask, (), image_slice)
    if not mask.any():
        return shown
    return replace(shown, positions=locate_all(in_square(shown, SIDE)[1], "box", RADIUS))


def in_square(shown: Shown, size: int, pad_color: Color = BLACK) -> tuple[Pixels, Pixels]:
    """What the model sees of an image: pixels ``(size, size, 3)`` and mask ``(size, size)``, see :func:`fit_square`."""
    spacing = _UNIT_SPACING if shown.image_slice is None else shown.image_slice.spacing
    pixels, mask, _ = fit_square(shown.pixels, shown.mask, size, spacing, pad_color)
    return pixels, mask


def read_image(record: Record, root: Path) -> tuple[Pixels, Pixels]:
    """Read or draw an image and its mask at their own size, or the part of both that the record shows.

    Args:
        record: What to read.
        root: Folder its paths are relative to.

    Returns:
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` colour uint8; ``(rows, cols)`` uint8 mask of 0 and 1.

    Raises:
        PRSMedError: ``missing_image``, ``missing_mask``, ``bad_image``, ``bad_mask``, ``mask_size``, ``gray_mask`` or
            ``mask_is_image``; for slices what :func:`~prsmed.data.volumes.read_slice` raises.
    """
    pixels, mask, _ = _read(record, root)
    return pixels, mask


def fit_square(
    image: Pixels,
    mask: Pixels,
    size: int,
    spacing: tuple[float, float] = _UNIT_SPACING,
    pad_color: Color = BLACK,
) -> tuple[Pixels, Pixels, SquareFit]:
    """Bring an image and its mask into the model's square, exactly as inference does.

    Args:
        image: ``(rows, cols)`` or ``(rows, cols, 3)`` uint8.
        mask: ``(rows, cols)`` uint8 of 0 and 1.
        size: Side of the square in pixels.
        spacing: ``(row_mm, col_mm)`` of a slice; pictures carry none.
        pad_color: What is around the image.

    Returns:
        ``(size, size, 3)`` uint8, ``(size, size)`` uint8, and where the image lies in the square.
    """
    color = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    square, fit = to_square(color, spacing, size, pad_color)
    fitted = fit.apply_mask(mask)
    if mask.any() and not fitted.any():
        # A target finer than the grid must not become "absent".
        fitted = fit.apply_mask(ndimage.maximum_filter(mask, size=1 + 2 * (max(mask.shape) // size)))
    return square, fitted.astype(np.uint8), fit


def cut(image: Pixels, mask: Pixels, box: Box) -> tuple[Pixels, Pixels]:
    """Cut a box out of an image and its mask, black where it lies outside."""
    top, left, height, width = box
    rows, cols = mask.shape
    source = np.s_[max(top, 0) : min(top + height, rows), max(left, 0) : min(left + width, cols)]
    inside = mask[source]
    place = np.s_[max(-top, 0) : max(-top, 0) + inside.shape[0], max(-left, 0) : max(-left, 0) + inside.shape[1]]
    cut_image = np.zeros((height, width, *image.shape[2:]), dtype=np.uint8)
    cut_mask = np.zeros((height, width), dtype=np.uint8)
    cut_image[place], cut_mask[place] = image[source], inside
    return cut_image, cut_mask


def _read(record: Record, root: Path) -> tuple[Pixels, Pixels, ImageSlice | None]:
    if record.slice is not None:
        image_slice, mask = read_slice(record, root)
        pixels = to_display(image_slice)
        return pixels if image_slice.pixels.ndim == 3 else pixels[..., 0], mask, image_slice
    pixels, mask = _draw_phantom(record) if record.is_phantom else read_picture_pair(record, root)
    if record.crop is not None:
        pixels, mask = cut(pixels, mask, record.crop)
    return pixels, mask, None


def _draw_phantom(record: Record) -> tuple[Pixels, Pixels]:
    rng = np.random.default_rng(record.seed)
    lesion = bool(rng.random() < _LESION_SHARE)
    kind = cast(PhantomKind, record.modality.removeprefix("phantom_"))
    image, mask = phantom_slice(kind, rng, lesion=lesion)
    return image, (mask > 0).astype(np.uint8)
