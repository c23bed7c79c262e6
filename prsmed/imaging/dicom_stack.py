"""Frames with a place in space, put together to a volume; or the reason why they are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging.nrrd import LPS_TO_RAS

# Steps between slices may differ by this part of the smallest one, for rounding in the headers.
_STEP_TOLERANCE = 0.1
_SAME_PLACE_MM = 1e-2
_SAME_DIRECTION = 1e-3


@dataclass(frozen=True)
class FramePlace:
    """Where one frame lies.

    Attributes:
        position: LPS millimetres of the first pixel's centre (Image Position (Patient)).
        orientation: Direction cosines of the way along a row, then down a column (Image Orientation
        (Patient)).
        spacing: ``(row_mm, col_mm)`` (Pixel Spacing).
        shape: ``(rows, cols)``.
    """

    position: tuple[float, float, float]
    orientation: tuple[float, ...]
    spacing: tuple[float, float]
    shape: tuple[int, int]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the frame."""
        return np.cross(self.orientation[:3], self.orientation[3:])


def stack_order(places: Sequence[FramePlace]) -> list[int]:
    """Order of the frames along their normal, after checking that they make one regular stack.

    Raises:
        PRSMedError: ``dicom_mixed_orientation``, ``dicom_mixed_size``, ``dicom_duplicate_positions``,
            ``dicom_missing_slices``, ``bad_affine``.
    """
    _check_alike(places)
    heights = np.array([float(np.dot(place.position, places[0].normal)) for place in places])
    order = np.argsort(heights, kind="stable")
    if len(places) > 1:
        _check_steps(np.diff(heights[order]))
        _check_line(np.array([places[index].position for index in order]))
    return [int(index) for index in order]


def stack_affine(ordered: Sequence[FramePlace], thickness_mm: float) -> NDArray[np.float64]:
    """Voxel index ``(col, row, frame)`` to RAS mm; ``thickness_mm`` is the step of a single frame."""
    first, last = ordered[0], ordered[-1]
    lps = np.eye(4)
    lps[:3, 0] = np.multiply(first.orientation[:3], first.spacing[1])
    lps[:3, 1] = np.multiply(first.orientation[3:], first.spacing[0])
    if len(ordered) > 1:
        lps[:3, 2] = np.subtract(last.position, first.position) / (len(ordered) - 1)
    else:
        lps[:3, 2] = first.normal * thickness_mm
    lps[:3, 3] = first.position
    return LPS_TO_RAS @ lps


def _check_alike(places: Sequence[FramePlace]) -> None:
    first = places[0]
    along, down = np.reshape(first.orientation, (2, 3))
    if not np.allclose([along @ along, down @ down, along @ down], [1, 1, 0], atol=1e-2):
        raise PRSMedError(
            "bad_affine",
            "the orientation in the DICOM header is not two perpendicular unit vectors; export the series again",
        )
    if any(np.abs(np.subtract(p.orientation, first.orientation)).max() > _SAME_DIRECTION for p in places):
        raise PRSMedError(
            "dicom_mixed_orientation",
            "the slices of the series point in different directions (a localizer among them?); "
            "keep one orientation in the folder",
        )
    if any(p.shape != first.shape or not np.allclose(p.spacing, first.spacing, rtol=1e-3) for p in places):
        raise PRSMedError(
            "dicom_mixed_size",
            "the slices of the series differ in rows, columns or pixel spacing; keep one size in the folder",
        )


def _check_steps(steps: NDArray[np.float64]) -> None:
    duplicates = int((steps < _SAME_PLACE_MM).sum())
    if duplicates:
        raise PRSMedError(
            "dicom_duplicate_positions",
            f"{duplicates} slice(s) lie where another one lies (several echoes, phases or copies?); "
            "keep one slice a position in the folder",
        )
    step = float(steps.min())
    if steps.max() > step * (1 + _STEP_TOLERANCE):
        ratios = steps / step
        missing = int(np.rint(ratios - 1).sum())
        has_gaps = np.abs(ratios - np.rint(ratios)).max() < 2 * _STEP_TOLERANCE
        what = f"about {missing} slice(s) are missing" if has_gaps else "the slices are unevenly spaced"
        raise PRSMedError(
            "dicom_missing_slices",
            f"{what}: the steps go from {step:.2f} to {steps.max():.2f} mm and must be equal; "
            "export the complete series again",
        )


def _check_line(positions: NDArray[np.float64]) -> None:
    expected = np.linspace(positions[0], positions[-1], len(positions))
    step = np.linalg.norm(positions[-1] - positions[0]) / (len(positions) - 1)
    if np.linalg.norm(positions - expected, axis=1).max() > max(_STEP_TOLERANCE * step, 0.1):
        raise PRSMedError(
            "dicom_mixed_orientation",
            "the slices of the series are shifted against each other; keep one stack of slices in the folder",
        )
