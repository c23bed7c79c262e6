"""Image and mask moved together: mirrored, turned by right angles, cut."""

from __future__ import annotations

import numpy as np

from prsmed.data.images import cut
from prsmed.data.pictures import Pixels
from prsmed.data.record import Box, Record

_TURNABLE = ("skin_dermoscopy", "polyp_endoscopy", "phantom_photo")
_UPRIGHT = ("lung_xray",)
# LIDC crops have their nodule in the middle: only a close crop brings it elsewhere without black borders.
_CENTERED = ("lidc_crops",)
_SCALES = (0.55, 1.2)
_CLOSE_SCALES = (0.45, 0.75)
_ZOOM_SHARE = 0.8
_KEPT = 0.6  # a crop that cuts off more of the target than this leaves is not used
_OUTSIDE = 0.08  # how far a crop may reach over the border, as a share of the side
_EMPTY_SIDES = (0.45, 0.7)
_TRIES = 8


def flip(image: Pixels, mask: Pixels, record: Record, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Mirror and turn image and mask together, each way half of the time.

    Args:
        image: ``(rows, cols)`` grey or ``(rows, cols, 3)`` colour, uint8.
        mask: ``(rows, cols)`` uint8.
        record: Decides what is allowed: radiographs stay upright, only photographs are turned by 90 degrees.
        rng: Where every choice is drawn from.
    """
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    if record.modality not in _UPRIGHT and rng.random() < 0.5:
        image, mask = image[::-1], mask[::-1]
    if record.modality in _TURNABLE and rng.random() < 0.5:
        image, mask = np.rot90(image), np.rot90(mask)
    return image, mask


def zoom(image: Pixels, mask: Pixels, record: Record, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Cut out a shifted, smaller or larger frame that keeps most of the target; black outside the image.

    Args:
        image: ``(rows, cols)`` or ``(rows, cols, 3)`` uint8.
        mask: ``(rows, cols)`` uint8.
        record: Images with their lesion in the middle are always cut, and closer.
        rng: Where every choice is drawn from.
    """
    close = _is_centered(record)
    if not close and rng.random() >= _ZOOM_SHARE:
        return image, mask
    box = _box_with_target(mask, _CLOSE_SCALES if close else _SCALES, rng)
    return (image, mask) if box is None else cut(image, mask, box)


def off_center(mask: Pixels, record: Record, rng: np.random.Generator) -> Box | None:
    """A frame that moves a lesion out of the middle, for sets that publish crops around their lesions.

    There "in the center" would be right whatever the image shows.

    Args:
        mask: ``(rows, cols)`` uint8.
        record: Other sets' images are left whole.
        rng: Where the frame is drawn from.
    """
    return _box_with_target(mask, _CLOSE_SCALES, rng) if _is_centered(record) else None


def crop_empty(image: Pixels, mask: Pixels, record: Record, rng: np.random.Generator) -> tuple[Pixels, Pixels] | None:
    """Cut out a part of the image that holds nothing of the target: an image of the right kind without it.

    Args:
        image: ``(rows, cols)`` or ``(rows, cols, 3)`` uint8.
        mask: ``(rows, cols)`` uint8.
        record: Radiographs are never cut: beside the lungs there is little left to look at.
        rng: Where the place is drawn from.

    Returns:
        Image and empty mask, or ``None`` when no such part of at least 45 % of the side is found.
    """
    if record.modality in _UPRIGHT:
        return None
    rows, cols = mask.shape
    for _ in range(_TRIES):
        side = rng.uniform(*_EMPTY_SIDES)
        height, width = round(side * rows), round(side * cols)
        top, left = (int(rng.integers(limit + 1)) for limit in (rows - height, cols - width))
        window = np.s_[top : top + height, left : left + width]
        if not mask[window].any() and image[window].std() > 8:  # not the black surround alone
            return image[window], mask[window]
    return None


def _is_centered(record: Record) -> bool:
    """Whether the lesion is in the middle because the image was cut around it."""
    return record.dataset in _CENTERED and record.crop is None


def _box_with_target(mask: Pixels, scales: tuple[float, float], rng: np.random.Generator) -> Box | None:
    """A random box, partly outside at most, that keeps most of the target."""
    rows, cols = mask.shape
    total = int(np.count_nonzero(mask))
    for _ in range(_TRIES):
        scale = rng.uniform(*scales)
        height, width = round(scale * rows), round(scale * cols)
        top, left = (_start(side, part, rng) for side, part in ((rows, height), (cols, width)))
        inside = mask[max(top, 0) : top + height, max(left, 0) : left + width]
        if np.count_nonzero(inside) >= _KEPT * total:
            return top, left, height, width
    return None


def _start(side: int, part: int, rng: np.random.Generator) -> int:
    slack = _OUTSIDE * part
    return round(rng.uniform(min(0, side - part) - slack, max(0, side - part) + slack))
