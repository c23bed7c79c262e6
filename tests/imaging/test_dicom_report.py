from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from seg_images import MODEL, NAMES, radiograph_image, series_image, some_labels

from prsmed.errors import PRSMedError
from prsmed.imaging.dicom_report import ANSWER, CONFIDENCE, NEAR_CENTER, QUESTION, ZONE, write_report
from prsmed.imaging.dicom_seg import write_seg

TUMOUR: dict[str, Any] = {
    "label": 1,
    "name": "tumour",
    "zone": "top left",
    "near_center": False,
    "patient_side": "right",
    "centroid_ras_mm": [1.0, 2.0, 3.0],
    "centroid_ijk": [1.0, 2.0, 3.0],
    "longest_diameter_mm": 12.5,
    "area_mm2": 81.25,
    "volume_mm3": 410.0,
    "confidence": 0.875,
}
OEDEMA = {**TUMOUR, "label": 2, "name": "Ödem", "zone": "center", "near_center": True, "patient_side": None}
FLAT = {**TUMOUR, "volume_mm3": None, "patient_side": None}


def through_file(report: Dataset, folder: Path) -> hd.sr.Comprehensive3DSR:
    report.save_as(folder / "sr.dcm")
    return hd.sr.Comprehensive3DSR.from_dataset(pydicom.dcmread(folder / "sr.dcm"))


def measured(group: Any) -> dict[str, float]:
    return {item.name.meaning: item.value for item in group.get_measurements()}


def evaluated(group: Any) -> dict[str, str]:
    return {item.name.meaning: item.value.meaning for item in group.get_qualitative_evaluations()}


def texts(report: Any) -> dict[str, str]:
    return {
        item.ConceptNameCodeSequence[0].CodeMeaning: item.TextValue
        for item in report.ContentSequence
        if item.ValueType == "TEXT" and item.RelationshipType == "CONTAINS"
    }


def test_findings_of_a_volume_are_volumetric_groups(series: Any, tmp_path: Path) -> None:
    volume, headers = series_image(series)
    seg = write_seg(some_labels(volume), NAMES, volume, headers, MODEL)
    written = write_report([TUMOUR, OEDEMA], seg, headers, MODEL, question="Wo ist das Ödem?", answer="Mitte.")
    report = through_file(written, tmp_path)
    first, second = report.content.get_volumetric_roi_measurement_groups()
    assert measured(first) == {
        "Long axis": 12.5,
        "Area": 81.25,
        "Volume": 410.0,
        CONFIDENCE.meaning: 0.875,
    }
    assert evaluated(first) == {ZONE.meaning: "top left", NEAR_CENTER.meaning: "No", "Laterality": "Right"}
    assert evaluated(second) == {ZONE.meaning: "center", NEAR_CENTER.meaning: "Yes"}
    assert [group.tracking_identifier for group in (first, second)] == ["tumour 1", "Ödem 2"]
    assert first.finding_type == codes.SCT.Lesion
    for number, group in enumerate((first, second), start=1):
        assert group.referenced_segment.referenced_sop_instance_uid == seg.SOPInstanceUID
        assert group.referenced_segment[0].ReferencedSOPSequence[0].ReferencedSegmentNumber == number
    found = texts(report)
    assert (found[QUESTION.meaning], found[ANSWER.meaning]) == ("Wo ist das Ödem?", "Mitte.")
    assert found["Comment"] == "Research use only"
    assert (report.ManufacturerModelName, report.SoftwareVersions) == ("prsmed", "nano-1")
    assert "Research use only" in report.SeriesDescription
    assert report.PatientID == headers[0].PatientID
    assert report.StudyInstanceUID == headers[0].StudyInstanceUID


def test_a_finding_of_a_radiograph_is_a_planar_group(write_dicom: Callable[..., Path], tmp_path: Path) -> None:
    volume, headers = radiograph_image(write_dicom)
    seg = write_seg((some_labels(volume) > 0).astype(np.uint8), {"tumour": 1}, volume, headers, MODEL)
    report = through_file(write_report([FLAT], seg, headers, MODEL), tmp_path)
    (group,) = report.content.get_planar_roi_measurement_groups()
    assert measured(group) == {"Long axis": 12.5, "Area": 81.25, CONFIDENCE.meaning: 0.875}
    assert group.referenced_segmentation_frame.referenced_sop_instance_uid == seg.SOPInstanceUID
    assert set(texts(report)) == {"Comment"}


def test_nothing_found_is_no_report(write_dicom: Callable[..., Path]) -> None:
    volume, headers = radiograph_image(write_dicom)
    seg = write_seg(np.zeros(volume.shape, np.uint8), {"tumour": 1}, volume, headers, MODEL)
    with pytest.raises(PRSMedError) as caught:
        write_report([], seg, headers, MODEL)
    assert caught.value.code == "bad_findings"


@pytest.mark.parametrize(
    "spoiled",
    [
        {"name": "liver"},
        {"patient_side": "up"},
        {"area_mm2": "large"},
        {"area_mm2": float("nan")},
        {"zone": None, "name": None},
    ],
)
def test_findings_that_are_none_are_refused(write_dicom: Callable[..., Path], spoiled: dict[str, Any]) -> None:
    volume, headers = radiograph_image(write_dicom)
    seg = write_seg(some_labels(volume), NAMES, volume, headers, MODEL)
    with pytest.raises(PRSMedError) as caught:
        write_report([{**FLAT, **spoiled}], seg, headers, MODEL)
    assert caught.value.code == "bad_findings"
