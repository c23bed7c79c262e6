"""Pixels of a record: read from its files or drawn from its seed."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from prsmed.data.record import Box, Record
from prsmed.errors import PRSMedError
from prsmed.imaging.phantom import PhantomKind, phantom_slice
from prsmed.imaging.square import SquareFit, to_square

_LESION_SHARE = 0.75  # of the phantoms; the others are truly empty
_UNIT_SPACING = (1.0, 1.0)  # JPEGs carry no spacing

Pixels = NDArray[np.uint8]


def read_image(record: Record, root: Path) -> tuple[Pixels, Pixels]:
    """Read or draw an image and its mask at their own size, or the part of both that the record shows.

    Args:
        record: What to read.
        root: Folder its paths are relative to.

    Returns:
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` colour uint8; ``(rows, cols)`` uint8 mask of 0 and 1.

    Raises:
        PRSMedError: ``missing_image``, ``bad_image`` or ``mask_size``.
    """
    if record.seed is not None:
        rng = np.random.default_rng(record.seed)
        lesion = bool(rng.random() < _LESION_SHARE)
        kind = cast(PhantomKind, record.modality.removeprefix("phantom_"))
        image, mask = phantom_slice(kind, rng, lesion=lesion)
        return image, (mask > 0).astype(np.uint8)
    image = _decode(root, record.image)
    if record.mask is None:
        return image, np.zeros(image.shape[:2], dtype=np.uint8)
    gray = _decode(root, record.mask)
    mask = ((gray if gray.ndim == 2 else gray.max(axis=2)) > 127).astype(np.uint8)
    if mask.shape != image.shape[:2]:
        raise PRSMedError(
            "mask_size",
            f"{record.mask} has {mask.shape} pixels, its image {image.shape[:2]}; make them equal",
        )
    return (image, mask) if record.crop is None else cut(image, mask, record.crop)


def fit_square(image: Pixels, mask: Pixels, size: int) -> tuple[Pixels, Pixels, SquareFit]:
    """Bring an image and its mask into the model's square, exactly as inference does.

    Args:
        image: ``(rows, cols)`` or ``(rows, cols, 3)`` uint8.
        mask: ``(rows, cols)`` uint8 of 0 and 1.
        size: Side of the square in pixels.

    Returns:
        ``(size, size, 3)`` uint8, ``(size, size)`` uint8, and where the image lies in the square.
    """
    color = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    square, fit = to_square(color, _UNIT_SPACING, size)
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


def _decode(root: Path, path: str) -> Pixels:
    try:
        with Image.open(root / path) as image:
            return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except FileNotFoundError:
        raise PRSMedError("missing_image", f"{path} is not in the folder; copy the set anew") from None
    except OSError:
        raise PRSMedError("bad_image", f"{path} cannot be decoded; copy the set anew") from None
