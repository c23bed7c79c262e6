"""Findings as a DICOM Structured Report: TID 1500, one measurement group a finding, each naming its segment.

Place on the displayed image, nearness to its centre and confidence have no code in the standard and get ones of our
own (scheme ``99PRSMED``). Error code: ``bad_findings``.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

import highdicom as hd
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from prsmed.errors import PRSMedError
from prsmed.imaging.dicom_seg import (
    DISCLAIMER,
    MANUFACTURER,
    Algorithm,
    plain_header,
    series_description,
    shorten,
    stamp,
)
from prsmed.imaging.dicom_seg_read import frame_groups, frame_segment, segment_names

SCHEME = "99PRSMED"
CONFIDENCE = Code("CONFIDENCE", SCHEME, "Mean probability of the mask")
ZONE = Code("ZONE", SCHEME, "Zone on the displayed image")
NEAR_CENTER = Code("NEAR_CENTER", SCHEME, "Near the centre of the displayed image")
QUESTION = Code("QUESTION", SCHEME, "Question")
ANSWER = Code("ANSWER", SCHEME, "Answer")
_COMMENT = Code("121106", "DCM", "Comment")
_IMAGING = Code("363679005", "SCT", "Imaging procedure")
_SIDES = {"left": codes.SCT.Left, "right": codes.SCT.Right}
_SERIES_NUMBER = 301
# Key of a finding, concept, unit.
_MEASURES = (
    ("longest_diameter_mm", codes.SCT.LongAxis, codes.UCUM.Millimeter),
    ("area_mm2", codes.SCT.Area, codes.UCUM.SquareMillimeter),
    ("volume_mm3", codes.SCT.Volume, codes.UCUM.CubicMillimeter),
    ("confidence", CONFIDENCE, codes.UCUM.NoUnits),
)


def write_report(
    findings: Sequence[Mapping[str, Any]],
    seg: Dataset,
    headers: Sequence[Dataset],
    algorithm: Algorithm,
    *,
    question: str = "",
    answer: str = "",
    written: datetime.datetime | None = None,
) -> Dataset:
    """A measurement report of at least one finding.

    Args:
        findings: As in the JSON of an answer: ``label``, ``name``, ``zone``, ``near_center``, ``patient_side``,
            ``longest_diameter_mm``, ``area_mm2``, ``volume_mm3``, ``confidence``; sizes that are ``None`` are left
            out.
        seg: The Segmentation that they were measured on (:func:`~prsmed.imaging.dicom_seg.write_seg`).
        headers: Of every DICOM object of the image.
        algorithm: Who drew the segmentation.
        question: What was asked.
        answer: What was answered.
        written: Date and time of the content; now when left out.

    Raises:
        PRSMedError: ``bad_findings`` when there is none, one lacks something or is of no segment.
    """
    if not findings:
        raise PRSMedError("bad_findings", "there are no findings; a report of measurements needs at least one")
    try:
        groups = [_group(number, finding, seg, algorithm) for number, finding in enumerate(findings, start=1)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PRSMedError(
            "bad_findings", "a finding lacks a name, zone or size, or is of no segment; send findings as answered"
        ) from error
    report = hd.sr.MeasurementReport(
        observation_context=_observer(algorithm), procedure_reported=_IMAGING, imaging_measurements=groups
    )
    texts = [(QUESTION, question), (ANSWER, answer), (_COMMENT, DISCLAIMER)]
    report[0].ContentSequence.extend(
        hd.sr.TextContentItem(name=name, value=text, relationship_type="CONTAINS") for name, text in texts if text
    )
    document = hd.sr.Comprehensive3DSR(
        evidence=[seg, *map(plain_header, headers)],
        content=report,
        series_instance_uid=hd.UID(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=shorten(algorithm.name),
        software_versions=shorten(algorithm.version or "unknown"),
        series_description=series_description("PRS-Med measurements"),
        transfer_syntax_uid=seg.file_meta.TransferSyntaxUID,
    )
    stamp(document, written or datetime.datetime.now())
    return document


def _observer(algorithm: Algorithm) -> hd.sr.ObservationContext:
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=hd.UID(),
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=f"{shorten(algorithm.name)} {shorten(algorithm.version)}".strip(),
    )
    context = hd.sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    return hd.sr.ObservationContext(observer_device_context=context)


def _group(number: int, finding: Mapping[str, Any], seg: Dataset, algorithm: Algorithm) -> Any:
    """The measurements of one finding: planar when its segment is one frame, else volumetric."""
    segment = _segment(finding, seg)
    frames = [frame + 1 for frame in range(int(seg.NumberOfFrames)) if frame_segment(seg, frame) == segment]
    parts = {
        "tracking_identifier": hd.sr.TrackingIdentifier(hd.UID(), shorten(f"{finding['name']} {number}")),
        "finding_type": codes.SCT.Lesion,
        "algorithm_id": hd.sr.AlgorithmIdentification(shorten(algorithm.name), shorten(algorithm.version) or "unknown"),
        "measurements": _measurements(finding),
        "qualitative_evaluations": _evaluations(finding),
    }
    if len(frames) == 1:
        reference = _reference(seg, frames[0], segment)
        return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_segment=reference, **parts)
    reference = hd.sr.ReferencedSegment.from_segmentation(seg, segment_number=segment)
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=reference, **parts)


def _reference(seg: Dataset, frame: int, segment: int) -> hd.sr.ReferencedSegmentationFrame:
    """A frame of a Segmentation, counted from 1, and the image it was drawn on."""
    source = frame_groups(seg, frame - 1, "DerivationImageSequence")[0].SourceImageSequence[0]
    return hd.sr.ReferencedSegmentationFrame(
        sop_class_uid=seg.SOPClassUID,
        sop_instance_uid=seg.SOPInstanceUID,
        frame_number=frame,
        segment_number=segment,
        source_image=hd.sr.SourceImageForSegmentation(source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID),
    )


def _segment(finding: Mapping[str, Any], seg: Dataset) -> int:
    numbers = {name: number for number, name in segment_names(seg).items()}
    return numbers[shorten(str(finding["name"]))]


def _measurements(finding: Mapping[str, Any]) -> list[hd.sr.Measurement]:
    measured = [(float(finding[key]), name, unit) for key, name, unit in _MEASURES if finding.get(key) is not None]
    if not all(math.isfinite(value) for value, _, _ in measured):
        raise ValueError("a size is not a number")
    return [hd.sr.Measurement(name=name, value=value, unit=unit) for value, name, unit in measured]


def _evaluations(finding: Mapping[str, Any]) -> list[hd.sr.QualitativeEvaluation]:
    zone = shorten(str(finding["zone"]))
    is_near = codes.SCT.Yes if finding["near_center"] else codes.SCT.No
    said = [(ZONE, Code(zone.upper()[:16], SCHEME, zone)), (NEAR_CENTER, is_near)]
    if finding.get("patient_side") is not None:
        said.append((codes.SCT.Laterality, _SIDES[finding["patient_side"]]))
    return [hd.sr.QualitativeEvaluation(name=name, value=value) for name, value in said]
