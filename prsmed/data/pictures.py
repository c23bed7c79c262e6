"""A picture file and the mask beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prsmed.data.members import is_member, read_member
from prsmed.data.record import Record
from prsmed.errors import PRSMedError
from prsmed.imaging.volume import robust_window

Pixels = NDArray[np.uint8]

_ON = 127  # masks published as JPEG are grey at their edges and speckled around them
_MIDDLE = (64, 192)
_GRAY_SHARE = 0.5  # more middle grey than this share of what is on is no edge, but another kind of file
_SAME_SHARE = 0.9


def read_picture_pair(record: Record, root: Path) -> tuple[Pixels, Pixels]:
    """Decode a picture and its mask.

    Args:
        record: What to read; a mask counts where it is above 127, or has one of ``labels`` when there are some.
        root: Folder its paths are relative to.

    Returns:
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` colour uint8, 16-bit pictures by their 0.5th to 99.5th percentile;
        ``(rows, cols)`` uint8 mask of 0 and 1, all 0 without a mask file.

    Raises:
        PRSMedError: ``missing_image``, ``missing_mask``, ``bad_image`` and ``bad_mask`` for files that are not there or
            cannot be decoded, ``mask_size``, ``gray_mask``, ``mask_is_image``.
    """
    image = _to_bytes(_decode(root, record.image, "image"))
    mask = np.zeros(image.shape[:2], dtype=np.uint8)
    for path in masks_of(record):
        mask |= _read_mask(path, record, root, image.shape[:2])
    if _is_drawn(image, mask):
        raise PRSMedError("mask_is_image", f"{record.image} shows the mask, no image; give the path of the image")
    return image, mask


def masks_of(record: Record) -> tuple[str, ...]:
    """Paths of all masks of a record."""
    return () if record.mask is None else (record.mask, *record.more_masks)


def _read_mask(path: str, record: Record, root: Path, shape: tuple[int, ...]) -> Pixels:
    values = _decode(root, path, "mask", is_label_map=bool(record.labels))
    mask = np.isin(values, record.labels) if record.labels else _is_on(values, path)
    if mask.shape != shape and record.is_mask_scaled:
        mask = np.asarray(Image.fromarray(mask).resize((shape[1], shape[0]), Image.Resampling.NEAREST))
    if mask.shape != shape:
        raise PRSMedError("mask_size", f"{path} has {mask.shape} pixels, its image {shape}; make them equal")
    return mask.astype(np.uint8)


def _is_on(values: NDArray[Any], path: str) -> NDArray[np.bool_]:
    gray = values if values.ndim == 2 else values.max(axis=2)
    on: NDArray[np.bool_] = gray > _ON
    middle = np.count_nonzero((gray >= _MIDDLE[0]) & (gray < _MIDDLE[1]))
    if middle > _GRAY_SHARE * np.count_nonzero(on) or (gray.any() and not on.any()):
        raise PRSMedError("gray_mask", f"{path} is neither black nor white; write 0 and 255, or name the labels")
    return on


def _is_drawn(image: Pixels, mask: Pixels) -> bool:
    """Whether an image is a mask itself, saved under another name."""
    gray = image if image.ndim == 2 else image.max(axis=2)
    if np.mean((gray >= _MIDDLE[0]) & (gray < _MIDDLE[1])) > 0.02:
        return False
    on, is_target = gray > _ON, mask > 0
    return bool(np.count_nonzero(on & is_target) > _SAME_SHARE * np.count_nonzero(on | is_target))


def _decode(root: Path, path: str, what: str, is_label_map: bool = False) -> NDArray[Any]:
    try:
        return read_member(root, path) if is_member(path) else _open(root / path, is_label_map)
    except FileNotFoundError:
        raise PRSMedError(f"missing_{what}", f"{path} is not in the folder; copy the set anew") from None
    except PRSMedError:
        raise
    except Exception:  # PIL raises many kinds for damaged files; all mean the same to the user
        raise PRSMedError(f"bad_{what}", f"{path} cannot be decoded; copy the set anew") from None


def _open(path: Path, is_label_map: bool) -> NDArray[Any]:
    with Image.open(path) as image:
        if image.mode in ("1", "L"):
            return np.asarray(image.convert("L"))
        is_deep = image.mode in ("I", "F") or image.mode.startswith("I;16")
        return np.asarray(image if is_deep or (is_label_map and image.mode == "P") else image.convert("RGB"))


def _to_bytes(values: NDArray[Any]) -> Pixels:
    if values.dtype == np.uint8:
        return values
    center, width = robust_window(values)
    scaled: NDArray[np.float64] = (values.astype(np.float64) - (center - width / 2)) * (255 / width)
    return np.nan_to_num(np.clip(np.rint(scaled), 0, 255)).astype(np.uint8)
