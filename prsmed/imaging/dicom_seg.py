"""Label maps as DICOM Segmentations.

Each label is a segment, numbered in the order of the labels' values, named by its SegmentLabel. Frames without a
labelled pixel are left out; :mod:`prsmed.imaging.dicom_seg_read` puts them back. Error codes: ``seg_unwritable``,
``seg_elsewhere``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from prsmed.errors import PRSMedError
from prsmed.imaging.dicom_source import SourceFrame, is_placed, source_frames
from prsmed.imaging.volume import Volume

MANUFACTURER = "PRS-Med"
DISCLAIMER = "Research use only"
UTF_8 = "ISO_IR 192"
LONG_STRING = 64
_SERIES_NUMBER = 300
# What a segmentation takes over from its image; those that DICOM wants to be there are empty where the image has none.
_PATIENT_AND_STUDY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)
_TAKEN = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "Rows", "Columns"),
    *("FrameOfReferenceUID", "PositionReferenceIndicator", "ImageOrientationPatient", "ImagePositionPatient"),
    *("PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "NumberOfFrames"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionIndexSequence"),
)

AlgorithmType = Literal["AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"]


@dataclass(frozen=True)
class Algorithm:
    """Who drew the labels.

    Attributes:
        name: Of the model, or of the one whose mask was corrected.
        version: Of its weights.
        kind: ``"MANUAL"`` once a person has drawn or corrected them.
    """

    name: str
    version: str
    kind: AlgorithmType


def write_seg(
    labels: NDArray[np.uint8],
    names: Mapping[str, int],
    volume: Volume,
    headers: Sequence[Dataset],
    algorithm: Algorithm,
    *,
    description: str = "",
    written: datetime.datetime | None = None,
) -> Dataset:
    """A binary DICOM Segmentation of a label map.

    Args:
        labels: ``(I, J, K)`` uint8, 0 outside; all 0 says that nothing is there.
        names: Name to value; a value without one is called ``label`` and its number.
        volume: The image.
        headers: Of every DICOM object of the image (:func:`~prsmed.imaging.dicom_source.read_headers`).
        algorithm: Who drew them.
        description: Begins the series' description; "Research use only" ends it.
        written: Date and time of the content; now when left out.

    Raises:
        PRSMedError: ``seg_elsewhere`` when the headers are another image's; ``seg_unwritable`` when DICOM has no
            segmentation of such an image.
        ValueError: The labels are not on the volume's grid.
    """
    if labels.shape != volume.shape:
        raise ValueError(f"labels have shape {labels.shape}; the volume has {volume.shape}")
    segments = _segments(labels, names)
    # By the slices of a series, and by the frames of an object that has several, as they are in it.
    frames = sorted(source_frames(headers, volume), key=lambda frame: frame.number)
    pixels = _pixels(labels, frames, segments)
    try:
        seg = hd.seg.Segmentation(
            source_images=_sources(frames),
            pixel_array=pixels,
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=[_describe(number, name, algorithm) for number, name in enumerate(segments, start=1)],
            series_instance_uid=hd.UID(),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=shorten(algorithm.name),
            software_versions=shorten(algorithm.version or "unknown"),
            device_serial_number="none",
            content_description=DISCLAIMER,
            series_description=series_description(description),
        )
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise PRSMedError(
            "seg_unwritable",
            "the image cannot be the source of a DICOM Segmentation (several frames without a position, or header "
            "values missing); keep the label as NIfTI",
        ) from error
    stamp(seg, written or datetime.datetime.now())
    return seg


def stamp(dataset: Dataset, written: datetime.datetime) -> None:
    """Give an object its date and time, to the microsecond, and an encoding that knows every letter."""
    dataset.SpecificCharacterSet = UTF_8
    for level in ("Series", "Content"):
        setattr(dataset, f"{level}Date", written.strftime("%Y%m%d"))
        setattr(dataset, f"{level}Time", written.strftime("%H%M%S.%f"))


def series_description(text: str) -> str:
    """A series' description of at most 64 characters that ends in "Research use only"."""
    room = LONG_STRING - len(DISCLAIMER) - 2
    return f"{shorten(text, room)}: {DISCLAIMER}" if text else DISCLAIMER


def shorten(text: str, length: int = LONG_STRING) -> str:
    """Text as a DICOM string takes it: short enough, in one line, without a backslash, which separates values."""
    plain = " ".join("".join(c if c.isprintable() and c != "\\" else " " for c in text).split())
    return plain[:length].strip()


def plain_header(header: Dataset) -> Dataset:
    """What other objects take over from an image: patient, study, and its own name and place."""
    plain = Dataset()
    for keyword in _PATIENT_AND_STUDY:
        setattr(plain, keyword, header.get(keyword))
    if plain.PatientSex not in {"M", "F", "O"}:
        plain.PatientSex = None
    for keyword in _TAKEN:
        if keyword in header:
            setattr(plain, keyword, header[keyword].value)
    return plain


def _segments(labels: NDArray[np.uint8], names: Mapping[str, int]) -> dict[str, int]:
    """Every segment's name and value, in the order of the values."""
    known = {value: name for name, value in names.items() if 0 < value < 256}
    values = sorted({*known, *(int(value) for value in np.unique(labels) if value)}) or [1]
    return {known.get(value, f"label {value}"): value for value in values}


def _pixels(labels: NDArray[np.uint8], frames: Sequence[SourceFrame], segments: Mapping[str, int]) -> NDArray[np.uint8]:
    """Segment numbers on the frames of the image, ``(frames, rows, cols)``."""
    numbers: NDArray[np.uint8] = np.zeros(256, dtype=np.uint8)
    for number, value in enumerate(segments.values(), start=1):
        numbers[value] = number
    pixels: NDArray[np.uint8] = np.stack([numbers[labels[tuple(frame.placement.voxels)]] for frame in frames])
    if np.count_nonzero(pixels) != np.count_nonzero(labels):
        raise PRSMedError("seg_elsewhere", "labelled voxels lie on no frame of the image; give all of its series")
    return pixels


def _sources(frames: Sequence[SourceFrame]) -> list[Dataset]:
    """The objects in the order of the slices, each once."""
    plain = {}
    for frame in frames:
        uid = str(frame.header.SOPInstanceUID)
        if uid not in plain:
            plain[uid] = plain_header(frame.header)
            if not is_placed(frame.header) and "FrameOfReferenceUID" in plain[uid]:
                # It would promise a position that the image does not have.
                del plain[uid].FrameOfReferenceUID
            elif is_placed(frame.header) and "SliceThickness" not in plain[uid]:
                plain[uid].SliceThickness = None
    return list(plain.values())


def _describe(number: int, name: str, algorithm: Algorithm) -> hd.seg.SegmentDescription:
    identity = hd.AlgorithmIdentificationSequence(
        name=shorten(algorithm.name),
        family=codes.cid7162.ArtificialIntelligence,
        version=shorten(algorithm.version or "unknown"),
    )
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=shorten(name) or f"label {number}",
        # What is asked for are findings; their names are free text, which no code says.
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion,
        algorithm_type=algorithm.kind,
        algorithm_identification=None if algorithm.kind == "MANUAL" else identity,
        tracking_uid=hd.UID(),
        tracking_id=shorten(name) or f"label {number}",
    )
