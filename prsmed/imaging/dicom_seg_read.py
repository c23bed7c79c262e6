"""DICOM Segmentations, anybody's, back on the full grid of their image.

A segmentation may leave out empty frames, list the others in any order and direction and crop them. Each pixel goes
where its position in the patient says; for an image without positions, where the frame it was drawn on says. Error
codes: ``seg_another_image``, ``seg_elsewhere``, ``seg_overlap``, ``seg_too_many``, ``seg_kind``, ``unreadable_image``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from prsmed.errors import PRSMedError
from prsmed.imaging.dicom_header import frame_place
from prsmed.imaging.dicom_pixels import decode_frames
from prsmed.imaging.dicom_source import Placement, is_placed, lay_at, lay_flat
from prsmed.imaging.volume import Volume

_MAX_VALUE = 255


def read_seg(
    seg: Dataset, volume: Volume, headers: Sequence[Dataset], values: Mapping[str, int] | None = None
) -> tuple[NDArray[np.uint8], dict[str, int]]:
    """The label map of a DICOM Segmentation.

    Args:
        seg: The object, binary or fractional (half and more counts).
        volume: Its image.
        headers: Of every DICOM object of the image.
        values: Values of known names; others get the number of their segment or, where that is taken, the next free.

    Returns:
        ``(I, J, K)`` uint8, 0 outside, and name to value, which has every segment, drawn or not.

    Raises:
        PRSMedError: See the module.
    """
    try:
        return _read(seg, volume, headers, values or {})
    except PRSMedError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise PRSMedError(
            "unreadable_image",
            "the DICOM Segmentation lacks a value it must have, or holds one of the wrong kind; export it again",
        ) from error


def segment_names(seg: Dataset) -> dict[int, str]:
    """Number and name of each segment; a name that another segment has too gets its number."""
    names: dict[int, str] = {}
    for segment in seg.SegmentSequence:
        number = int(segment.SegmentNumber)
        name = str(segment.get("SegmentLabel") or f"segment {number}").strip()
        names[number] = f"{name} ({number})" if name in names.values() else name
    return names


def frame_groups(seg: Dataset, number: int, name: str) -> Sequence[Dataset]:
    """A functional group of a frame, counted from 0: its own or the one that all share."""
    shared = seg.get("SharedFunctionalGroupsSequence") or [Dataset()]
    found = seg.PerFrameFunctionalGroupsSequence[number].get(name) or shared[0].get(name) or []
    return list(found)


def frame_segment(seg: Dataset, number: int) -> int:
    """Number of the segment that a frame, counted from 0, shows."""
    return int(frame_groups(seg, number, "SegmentIdentificationSequence")[0].ReferencedSegmentNumber)


def _read(
    seg: Dataset, volume: Volume, headers: Sequence[Dataset], known: Mapping[str, int]
) -> tuple[NDArray[np.uint8], dict[str, int]]:
    _check_kind(seg)
    _check_image(seg, headers)
    names = segment_names(seg)
    values = segment_values(names, known)
    labels = np.zeros(volume.shape, dtype=np.uint8)
    threshold = 1 if seg.SegmentationType == "BINARY" else (int(seg.get("MaximumFractionalValue") or 255) + 1) // 2
    is_flat = not is_placed(headers[0])
    for number, pixels in enumerate(decode_frames(seg, "the DICOM Segmentation")):
        drawn = pixels >= threshold
        if drawn.any():
            placement = _lay_on_source(seg, number, volume, headers) if is_flat else _lay(seg, number, volume)
            _draw(labels, drawn, placement, values[names[frame_segment(seg, number)]])
    return labels, values


def _draw(labels: NDArray[np.uint8], drawn: NDArray[np.bool_], placement: Placement, value: int) -> None:
    voxels = placement.voxels[:, drawn]
    if (voxels < 0).any() or (voxels >= np.array(labels.shape)[:, None]).any():
        raise PRSMedError(
            "seg_elsewhere", "it marks places outside the image; export it for the very series it was drawn on"
        )
    index = tuple(voxels)
    if not np.isin(labels[index], (0, value)).all():
        raise PRSMedError(
            "seg_overlap", "two of its segments share voxels, and a label map holds one a voxel; save them one by one"
        )
    labels[index] = value


def _check_kind(seg: Dataset) -> None:
    kind = str(seg.get("SegmentationType") or seg.get("Modality") or "unknown")
    if seg.get("Modality") != "SEG" or kind not in {"BINARY", "FRACTIONAL"}:
        raise PRSMedError("seg_kind", f"the object's kind is {kind}; a DICOM Segmentation is BINARY or FRACTIONAL")


def _check_image(seg: Dataset, headers: Sequence[Dataset]) -> None:
    series = {str(item.SeriesInstanceUID) for item in seg.get("ReferencedSeriesSequence") or []}
    own_frame = seg.get("FrameOfReferenceUID")
    if str(headers[0].SeriesInstanceUID) in series:
        return
    if series or own_frame is None or own_frame != headers[0].get("FrameOfReferenceUID"):
        raise PRSMedError(
            "seg_another_image", "the segmentation was drawn on another series; give it with the series it refers to"
        )


def segment_values(names: Mapping[int, str], known: Mapping[str, int]) -> dict[str, int]:
    """The value of each segment in a label map.

    Args:
        names: Number and name of each segment.
        known: Values of known names; others get their segment's number or, where that is taken, the next free.

    Raises:
        PRSMedError: ``seg_too_many``.
    """
    values = {name: known[name] for name in names.values() if name in known}
    for number, name in names.items():
        if name not in values:
            free = (value for value in (number, *range(1, _MAX_VALUE + 1)) if value not in values.values())
            value = next(free, None)
            if value is None or value > _MAX_VALUE:
                raise PRSMedError(
                    "seg_too_many", f"it has {len(names)} segments, a label map up to {_MAX_VALUE}; save fewer at once"
                )
            values[name] = value
    return {name: values[name] for name in names.values()}


def _lay(seg: Dataset, number: int, volume: Volume) -> Placement:
    place = frame_place(seg, number)
    if place is None:
        raise PRSMedError(
            "seg_elsewhere", "a frame says no position, and its image has one; export the segmentation again"
        )
    return lay_at(place, volume)


def _lay_on_source(seg: Dataset, number: int, volume: Volume, headers: Sequence[Dataset]) -> Placement:
    """By the image frame that it says it was drawn on; a single image is that of every frame."""
    derived = [
        source
        for item in frame_groups(seg, number, "DerivationImageSequence")
        for source in item.get("SourceImageSequence") or []
    ]
    shape = int(seg.Rows), int(seg.Columns)
    uids = {str(header.SOPInstanceUID) for header in headers}
    if derived and str(derived[0].ReferencedSOPInstanceUID) not in uids:
        raise PRSMedError(
            "seg_another_image", "a frame was drawn on another image; give the segmentation with its own image"
        )
    source_frame = int(derived[0].get("ReferencedFrameNumber") or 1) if derived else 1
    return lay_flat(shape, source_frame - 1, volume)
