"""Where is a mask on the displayed image, by either published rule: that of PRS-Med's released code, and A.6."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prsmed.errors import PRSMedError
from prsmed.position.findings import Position, Zone

Rule = Literal["box", "area"]
MIN_SHARE = 0.1
"""A region smaller than this share of the largest is a speck."""


def locate(mask: NDArray[Any], rule: Rule = "box", radius: float = 0.2) -> Position:
    """Locate all of a mask's pixels as one region.

    Args:
        mask: ``(rows, cols)``; every pixel above 0 counts.
        rule: ``"box"`` as the released code does, ``"area"`` as the paper's A.6 says.
        radius: What still counts as near the image centre, as a share of the image width.

    Raises:
        PRSMedError: ``empty_mask`` when no pixel is above 0.
    """
    return locate_box(mask, radius) if rule == "box" else locate_area(mask, radius)


def locate_box(mask: NDArray[Any], radius: float = 0.2) -> Position:
    """Locate a mask by its bounding box, the rule of the released code.

    A box that covers the image centre is ``"center"``; otherwise the quadrant of the box's own centre counts,
    and it is near when the two centres are less than ``radius`` of the width apart.

    The published image centre is pixel ``(h // 2, w // 2)``, half a pixel right of and below the true one
    when a size is even. So for odd sizes, mirroring the image mirrors the position, except that a box centred
    on a middle line is "right" or "bottom" either way. For even sizes a box that touches just one of the two
    middle lines, is centred between them, or is within a pixel of the radius may also change its name.

    Raises:
        PRSMedError: ``empty_mask`` when no pixel is above 0.
    """
    on = _checked(mask)
    rows, cols = on.shape
    (top, bottom), (left, right) = _extent(on.any(axis=1)), _extent(on.any(axis=0))
    center_row, center_col = rows // 2, cols // 2
    if top <= center_row <= bottom and left <= center_col <= right:
        return Position("center", True)
    row, col = (top + bottom) / 2, (left + right) / 2
    near = np.hypot(row - center_row, col - center_col) < radius * cols
    return Position(quadrant(row < center_row, col < center_col), bool(near))


def locate_area(mask: NDArray[Any], radius: float = 0.2) -> Position:
    """Locate a mask by the quadrant that holds most of its area, the rule of the paper's A.6.

    Near means the centroid is at most ``radius`` of the width from the image centre. The quadrants meet at
    the true centre; a middle line of odd sizes counts half to each side. So mirroring the image mirrors the
    position, except that quadrants of equal area are settled in the order of
    :data:`~prsmed.position.findings.ZONES`.
    This rule knows no ``"center"``.

    Raises:
        PRSMedError: ``empty_mask`` when no pixel is above 0.
    """
    on = _checked(mask)
    rows, cols = on.shape
    upper, left = _first_half(rows), _first_half(cols)
    halves = on @ np.stack([left, 1 - left], axis=1)  # (rows, 2)
    areas = np.stack([upper, 1 - upper]) @ halves  # [[top left, top right], [bottom left, bottom right]]
    is_lower, is_right = divmod(int(areas.argmax()), 2)
    row = float(np.average(np.arange(rows), weights=on.sum(axis=1)))
    col = float(np.average(np.arange(cols), weights=on.sum(axis=0)))
    near = np.hypot(row - (rows - 1) / 2, col - (cols - 1) / 2) <= radius * cols
    return Position(quadrant(not is_lower, not is_right), bool(near))


def regions(mask: NDArray[Any], min_share: float = MIN_SHARE, limit: int = 8) -> list[NDArray[np.bool_]]:
    """Split a mask into its connected regions, largest first.

    Args:
        mask: ``(rows, cols)`` or ``(I, J, K)``; pixels touching at a corner are connected.
        min_share: Regions smaller than this share of the largest are dropped: specks, which JPEG masks have.
        limit: At most so many regions, so that a noisy mask does not become hundreds of findings.

    Returns:
        One bool mask of the same shape a region; ``[]`` for an empty mask.
    """
    on = np.asarray(mask) > 0
    box = box_of(on)
    labels, count = ndimage.label(on[box], structure=np.ones((3,) * on.ndim))
    if count == 0:
        return []
    sizes = np.bincount(labels.ravel())[1:]
    order = np.argsort(-sizes, kind="stable")[:limit]
    parts = []
    for index in order:
        if sizes[index] >= min_share * sizes[order[0]]:
            part = np.zeros(on.shape, np.bool_)
            part[box] = labels == index + 1
            parts.append(part)
    return parts


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box around what is on, an empty one where nothing is: most of an image need not be searched."""
    box = []
    for axis in range(mask.ndim):
        line = mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis))
        first, last = _extent(line) if line.any() else (0, -1)
        box.append(slice(first, last + 1))
    return tuple(box)


def locate_all(mask: NDArray[Any], rule: Rule = "box", radius: float = 0.2) -> tuple[Position, ...]:
    """Locate each region of :func:`regions`, largest first; ``()`` for an empty mask."""
    return tuple(locate(region, rule, radius) for region in regions(mask))


def quadrant(is_top: bool, is_left: bool) -> Zone:
    """Name the quadrant that is at the top or bottom and left or right."""
    if is_top:
        return "top left" if is_left else "top right"
    return "bottom left" if is_left else "bottom right"


def _checked(mask: NDArray[Any]) -> NDArray[np.bool_]:
    on: NDArray[np.bool_] = np.asarray(mask) > 0
    if on.ndim != 2:
        raise PRSMedError("bad_mask", f"the mask has shape {on.shape}; a position needs one slice: (rows, cols)")
    if not on.any():
        raise PRSMedError("empty_mask", "the mask has no pixel above 0; only a mask with one has a position")
    return on


def _extent(line: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last index that is on, both inclusive."""
    indices = np.flatnonzero(line)
    return int(indices[0]), int(indices[-1])


def _first_half(size: int) -> NDArray[np.float64]:
    """Share of each line that belongs to the top or left half."""
    return np.clip(size / 2 - np.arange(size), 0.0, 1.0)
