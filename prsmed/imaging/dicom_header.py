"""What a DICOM header says about pixels in space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from prsmed.errors import PRSMedError
from prsmed.imaging.dicom_stack import FramePlace

# RAS directions of the letters of Patient Orientation.
_LETTERS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}
_CENTIMETRES = 3
# Objects with rows and columns that are not images of a patient: segmentation, dose, parametric map.
_NOT_IMAGES = {"SEG", "RTDOSE", "RTSTRUCT", "RTPLAN", "SR", "PR", "KO", "REG", "RWV", "M3D", "DOC"}


def is_image(header: Dataset) -> bool:
    """Whether the object is an image, rather than a segmentation, structure set, report or the like."""
    return bool(header.get("Rows") and header.get("Columns") and header.get("Modality") not in _NOT_IMAGES)


def has_magic(path: Path) -> bool:
    """Whether a file begins as DICOM files do, whatever its name.

    Raises:
        PRSMedError: ``unreadable_image`` when it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError as error:
        raise PRSMedError("unreadable_image", f"{path.name} cannot be opened; check its permissions") from error


def identifiers(header: Dataset) -> dict[str, str]:
    """The UIDs that name series, study and frame of reference; nothing about the patient."""
    tags = {
        "series_uid": "SeriesInstanceUID",
        "study_uid": "StudyInstanceUID",
        "frame_of_reference_uid": "FrameOfReferenceUID",
    }
    return {name: str(header.get(tag)) for name, tag in tags.items() if header.get(tag)}


def frame_place(header: Dataset, frame: int | None = None) -> FramePlace | None:
    """Place of a single-frame object, or of one frame of an enhanced one; ``None`` when it has none.

    Raises:
        PRSMedError: ``bad_affine`` for numbers that are no place.
    """
    position = _group(header, frame, "PlanePositionSequence").get("ImagePositionPatient")
    orientation = _group(header, frame, "PlaneOrientationSequence").get("ImageOrientationPatient")
    spacing = _group(header, frame, "PixelMeasuresSequence").get("PixelSpacing")
    if not position or not orientation or not spacing:
        return None
    numbers = [float(value) for value in (*position, *orientation, *spacing)]
    if len(numbers) != 11 or not np.isfinite(numbers).all() or min(numbers[9:]) <= 0:
        raise PRSMedError(
            "bad_affine",
            "the DICOM header holds NaN, zero or too few numbers in Image Position, Image Orientation or "
            "Pixel Spacing; export the series again",
        )
    return FramePlace(
        position=(numbers[0], numbers[1], numbers[2]),
        orientation=tuple(numbers[3:9]),
        spacing=(numbers[9], numbers[10]),
        shape=(int(header.Rows), int(header.Columns)),
    )


def frame_rescale(header: Dataset, frame: int | None = None) -> tuple[float, float]:
    """Rescale slope and intercept, 1 and 0 when the header has none."""
    group = _group(header, frame, "PixelValueTransformationSequence")
    return float(group.get("RescaleSlope") or 1.0), float(group.get("RescaleIntercept") or 0.0)


def window_source(header: Dataset, frame: int | None = None) -> Dataset:
    """Where the window of an object or of one of its frames is written."""
    return _group(header, frame, "FrameVOILUTSequence")


def slice_step(header: Dataset) -> float:
    """Thickness in mm to give a single slice."""
    measures = _group(header, 0, "PixelMeasuresSequence") if is_enhanced(header) else header
    for tag in ("SpacingBetweenSlices", "SliceThickness"):
        if float(measures.get(tag) or 0) > 0:
            return float(measures.get(tag))
    return 1.0


def is_enhanced(header: Dataset) -> bool:
    """Whether the place of every frame is in functional groups (enhanced CT, MR, PET)."""
    return bool(header.get("PerFrameFunctionalGroupsSequence"))


def flat_affine(header: Dataset) -> tuple[NDArray[np.float64], bool]:
    """Affine of an image without a position: radiograph, ultrasound, photograph.

    Returns:
        Voxel index ``(col, row, frame)`` to RAS millimetres around 0, and whether Patient Orientation says
        which way the patient lies.
    """
    row_mm, col_mm = _flat_spacing(header)
    letters = [str(value)[:1] for value in header.get("PatientOrientation") or []]
    directions = [_LETTERS[letter] for letter in letters if letter in _LETTERS]
    is_known = len(directions) == 2 and np.dot(directions[0], directions[1]) == 0
    along, down = directions if is_known else (_LETTERS["L"], _LETTERS["P"])
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(along, col_mm)
    affine[:3, 1] = np.multiply(down, row_mm)
    affine[:3, 2] = np.cross(along, down)
    return affine, is_known


def _flat_spacing(header: Dataset) -> tuple[float, float]:
    for tag in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        spacing = header.get(tag)
        if spacing and min(float(spacing[0]), float(spacing[1])) > 0:
            return float(spacing[0]), float(spacing[1])
    for region in header.get("SequenceOfUltrasoundRegions") or []:
        if region.get("PhysicalUnitsXDirection") == region.get("PhysicalUnitsYDirection") == _CENTIMETRES:
            return abs(float(region.PhysicalDeltaY)) * 10, abs(float(region.PhysicalDeltaX)) * 10
    return 1.0, 1.0


def _group(header: Dataset, frame: int | None, name: str) -> Any:
    """The functional group of a frame, shared or its own; the object itself for a single-frame one."""
    if frame is None:
        return header
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for groups in (header.PerFrameFunctionalGroupsSequence[frame], shared[0]):
        if groups.get(name):
            return groups[name].value[0]
    return Dataset()
