from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UltrasoundMultiFrameImageStorage, generate_uid
from seg_images import MODEL, NAMES, radiograph_image, series_image, some_labels

from prsmed.errors import PRSMedError
from prsmed.imaging import Volume, read_volume, write_labelmap
from prsmed.imaging.dicom_note import attach_note, read_note
from prsmed.imaging.dicom_seg import Algorithm, write_seg
from prsmed.imaging.dicom_seg_read import read_seg
from prsmed.imaging.dicom_source import read_headers


@pytest.fixture
def image(series: Any) -> tuple[Volume, list[Dataset]]:
    return series_image(series)


@pytest.fixture
def radiograph(write_dicom: Callable[..., Path]) -> tuple[Volume, list[Dataset]]:
    return radiograph_image(write_dicom)


def through_file(seg: Dataset, folder: Path) -> Dataset:
    seg.save_as(folder / "seg.dcm")
    return pydicom.dcmread(folder / "seg.dcm")


def test_a_volume_comes_back_voxel_for_voxel(image: tuple[Volume, list[Dataset]], tmp_path: Path) -> None:
    volume, headers = image
    labels = some_labels(volume)
    seg = through_file(write_seg(labels, NAMES, volume, headers, MODEL), tmp_path)
    again, names = read_seg(seg, volume, headers[::-1])
    np.testing.assert_array_equal(again, labels)
    assert names == NAMES
    assert int(seg.NumberOfFrames) < 2 * volume.shape[2]


def test_a_radiograph_comes_back(radiograph: tuple[Volume, list[Dataset]], tmp_path: Path) -> None:
    volume, headers = radiograph
    labels = some_labels(volume)
    seg = through_file(write_seg(labels, NAMES, volume, headers, MODEL), tmp_path)
    again, names = read_seg(seg, volume, headers)
    np.testing.assert_array_equal(again, labels)
    assert names == NAMES


def test_a_radiograph_with_a_frame_of_reference_comes_back(radiograph: tuple[Volume, list[Dataset]]) -> None:
    volume, headers = radiograph
    headers[0].FrameOfReferenceUID = generate_uid()
    labels = some_labels(volume)
    np.testing.assert_array_equal(
        read_seg(write_seg(labels, NAMES, volume, headers, MODEL), volume, headers)[0], labels
    )


def test_an_enhanced_volume_comes_back(series: Any, write_dicom: Callable[..., Path], tmp_path: Path) -> None:
    frames = []
    order = [3, 0, 6, 1, 5, 2, 4]
    for index in order:
        item, position = Dataset(), Dataset()
        position.ImagePositionPatient = series.slices[index]["ImagePositionPatient"]
        item.PlanePositionSequence = [position]
        frames.append(item)
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = series.slices[0]["ImageOrientationPatient"]
    measures.PixelSpacing, measures.SliceThickness = list(series.spacing), 2.0
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    path = write_dicom(
        "enhanced.dcm",
        series.values[order],
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1",
        SOPInstanceUID=generate_uid(),
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
    )
    volume, headers = read_volume(path), read_headers(path)
    labels = some_labels(volume)
    seg = through_file(write_seg(labels, NAMES, volume, headers, MODEL), tmp_path)
    np.testing.assert_array_equal(read_seg(seg, volume, headers)[0], labels)


def test_nothing_found_comes_back_as_nothing(image: tuple[Volume, list[Dataset]]) -> None:
    volume, headers = image
    again, names = read_seg(
        write_seg(np.zeros(volume.shape, np.uint8), {"tumour": 1}, volume, headers, MODEL), volume, headers
    )
    assert not again.any()
    assert names == {"tumour": 1}


def test_values_follow_their_names(image: tuple[Volume, list[Dataset]]) -> None:
    volume, headers = image
    labels = some_labels(volume)
    labels[labels == 1] = 7
    seg = write_seg(labels, {"liver": 2, "tumour": 7}, volume, headers, MODEL)
    again, names = read_seg(seg, volume, headers, {"tumour": 7, "liver": 2, "spleen": 1})
    np.testing.assert_array_equal(again, labels)
    assert names == {"liver": 2, "tumour": 7}
    assert read_seg(seg, volume, headers, {"liver": 2})[1] == {"liver": 2, "tumour": 1}


def test_a_value_without_a_name_is_kept(image: tuple[Volume, list[Dataset]]) -> None:
    volume, headers = image
    seg = write_seg(some_labels(volume), {"tumour": 1}, volume, headers, MODEL)
    assert read_seg(seg, volume, headers)[1] == {"tumour": 1, "label 2": 2}


@pytest.mark.parametrize("kind", ["AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"])
def test_who_drew_it_is_told(image: tuple[Volume, list[Dataset]], kind: Any) -> None:
    volume, headers = image
    written = datetime.datetime(2026, 5, 4, 3, 2, 1, 7)
    algorithm = Algorithm("prsmed", "nano-1", kind)
    seg = write_seg(some_labels(volume), NAMES, volume, headers, algorithm, description="x" * 80, written=written)
    segment = seg.SegmentSequence[0]
    assert segment.SegmentAlgorithmType == kind
    assert segment.get("SegmentAlgorithmName") == (None if kind == "MANUAL" else "prsmed")
    assert (seg.ManufacturerModelName, seg.SoftwareVersions) == ("prsmed", "nano-1")
    assert (seg.ContentDate, str(seg.ContentTime)) == ("20260504", "030201.000007")
    assert seg.ContentDescription == "Research use only"
    assert seg.SeriesDescription.endswith("Research use only")
    assert len(seg.SeriesDescription) == 64
    assert seg.PatientID == headers[0].PatientID


def test_frames_of_others_are_placed_by_position(image: tuple[Volume, list[Dataset]], series: Any) -> None:
    """Only frames that hold something, backwards, upside down and cropped: as dcmqi and others may write them."""
    volume, headers = image
    labels = some_labels(volume)
    labels[labels == 2] = 0
    labels[0], labels[:, -1] = 0, 0
    labels[0, 0, 0] = 0
    labels[1, 0, 0] = 1
    seg = write_seg(labels, {"tumour": 1}, volume, headers, MODEL)
    pixels = seg.pixel_array
    groups = list(seg.PerFrameFunctionalGroupsSequence)
    along, down = series.along, series.down
    row_mm, col_mm = series.spacing
    rows, cols = pixels.shape[1:]
    shared = seg.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [*(-along), *(-down)]
    cropped = pixels[::-1, : rows - 1, 1:][:, ::-1, ::-1]
    for group in groups:
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        position += along * col_mm * (cols - 1) + down * row_mm * (rows - 2)
        group.PlanePositionSequence[0].ImagePositionPatient = [float(f"{value:.6g}") for value in position]
        del group.DerivationImageSequence
    seg.PerFrameFunctionalGroupsSequence = groups[::-1]
    seg.Rows, seg.Columns = rows - 1, cols - 1
    packed = np.packbits(cropped.reshape(-1), bitorder="little").tobytes()
    seg.PixelData = packed + b"\0" * (len(packed) % 2)
    again, _ = read_seg(seg, volume, headers)
    np.testing.assert_array_equal(again, labels)


def test_a_segmentation_by_dcmqi_comes_back(image: tuple[Volume, list[Dataset]], series: Any, tmp_path: Path) -> None:
    tool = Path(sys.executable).with_name("itkimage2segimage")
    if not tool.exists():
        pytest.skip("dcmqi is not installed")
    volume, headers = image
    write_labelmap(some_labels(volume), volume, tmp_path / "labels.nii.gz")
    code = {
        "CodeValue": "49755003",
        "CodingSchemeDesignator": "SCT",
        "CodeMeaning": "Morphologically Abnormal Structure",
    }
    segments = [
        {
            "labelID": value,
            "SegmentLabel": name,
            "SegmentAlgorithmType": "MANUAL",
            "SegmentedPropertyCategoryCodeSequence": code,
            "SegmentedPropertyTypeCodeSequence": code,
        }
        for name, value in {"tumour": 1, "cyst": 2}.items()
    ]
    (tmp_path / "meta.json").write_text(json.dumps({"SeriesNumber": "300", "segmentAttributes": [segments]}))
    arguments = {
        "--inputImageList": tmp_path / "labels.nii.gz",
        "--inputDICOMDirectory": series.folder,
        "--outputDICOM": tmp_path / "seg.dcm",
        "--inputMetadata": tmp_path / "meta.json",
    }
    subprocess.run([tool, *(str(part) for pair in arguments.items() for part in pair)], check=True, capture_output=True)
    again, names = read_seg(pydicom.dcmread(tmp_path / "seg.dcm"), volume, headers)
    np.testing.assert_array_equal(again, some_labels(volume))
    assert names == {"tumour": 1, "cyst": 2}


def test_a_fractional_segmentation_counts_from_half(image: tuple[Volume, list[Dataset]]) -> None:
    volume, headers = image
    seg = write_seg((some_labels(volume) > 0).astype(np.uint8), {"tumour": 1}, volume, headers, MODEL)
    values = seg.pixel_array * 40 + 30
    seg.SegmentationType, seg.MaximumFractionalValue = "FRACTIONAL", 100
    seg.BitsAllocated = seg.BitsStored = 8
    seg.HighBit = 7
    seg.PixelData = values.astype(np.uint8).tobytes()
    again, _ = read_seg(seg, volume, headers)
    np.testing.assert_array_equal(again > 0, some_labels(volume) > 0)


def test_segments_of_one_name_stay_apart(image: tuple[Volume, list[Dataset]]) -> None:
    volume, headers = image
    seg = write_seg(some_labels(volume), NAMES, volume, headers, MODEL)
    for segment in seg.SegmentSequence:
        segment.SegmentLabel = "lesion"
    assert read_seg(seg, volume, headers)[1] == {"lesion": 1, "lesion (2)": 2}


def _overlap(seg: Dataset) -> None:
    for group in seg.PerFrameFunctionalGroupsSequence[1:]:
        group.PlanePositionSequence = seg.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence


def _shift(seg: Dataset) -> None:
    for group in seg.PerFrameFunctionalGroupsSequence:
        position = group.PlanePositionSequence[0]
        position.ImagePositionPatient = list(np.array(position.ImagePositionPatient, float) + 0.4)


def _move_away(seg: Dataset) -> None:
    for group in seg.PerFrameFunctionalGroupsSequence:
        position = group.PlanePositionSequence[0]
        position.ImagePositionPatient = list(np.array(position.ImagePositionPatient, float) + 700)


def _tilt(seg: Dataset) -> None:
    orientation = seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]


def _refer_elsewhere(seg: Dataset) -> None:
    seg.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3.4"


def _be_a_map(seg: Dataset) -> None:
    seg.SegmentationType = "LABELMAP"


def _lose_groups(seg: Dataset) -> None:
    del seg.PerFrameFunctionalGroupsSequence


def _lose_positions(seg: Dataset) -> None:
    for group in seg.PerFrameFunctionalGroupsSequence:
        del group.PlanePositionSequence


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_overlap, "seg_overlap"),
        (_shift, "seg_elsewhere"),
        (_move_away, "seg_elsewhere"),
        (_tilt, "seg_elsewhere"),
        (_lose_positions, "seg_elsewhere"),
        (_refer_elsewhere, "seg_another_image"),
        (_be_a_map, "seg_kind"),
        (_lose_groups, "unreadable_image"),
    ],
)
def test_what_does_not_fit_is_refused(
    image: tuple[Volume, list[Dataset]], spoil: Callable[[Dataset], None], code: str
) -> None:
    volume, headers = image
    seg = write_seg(some_labels(volume), NAMES, volume, headers, MODEL)
    spoil(seg)
    with pytest.raises(PRSMedError) as caught:
        read_seg(seg, volume, headers)
    assert caught.value.code == code


def test_a_radiograph_takes_no_other_ones(radiograph: tuple[Volume, list[Dataset]]) -> None:
    volume, headers = radiograph
    seg = write_seg(some_labels(volume), NAMES, volume, headers, MODEL)
    headers[0].SOPInstanceUID = "1.2.3.4"
    with pytest.raises(PRSMedError) as caught:
        read_seg(seg, volume, headers)
    assert caught.value.code == "seg_another_image"


def test_labels_beside_the_given_slices_are_refused(image: tuple[Volume, list[Dataset]]) -> None:
    volume, headers = image
    labels = np.ones(volume.shape, np.uint8)
    with pytest.raises(PRSMedError) as caught:
        write_seg(labels, NAMES, volume, headers[1:], MODEL)
    assert caught.value.code == "seg_elsewhere"
    with pytest.raises(ValueError, match="shape"):
        write_seg(labels[1:], NAMES, volume, headers, MODEL)


def test_a_film_without_positions_cannot_be_a_source(write_dicom: Callable[..., Path]) -> None:
    tags = {"Modality": "US", "SOPClassUID": UltrasoundMultiFrameImageStorage, "SOPInstanceUID": generate_uid()}
    path = write_dicom("us.dcm", np.zeros((3, 4, 5), np.uint16), **tags)
    volume, headers = read_volume(path), read_headers(path)
    with pytest.raises(PRSMedError) as caught:
        write_seg(np.ones(volume.shape, np.uint8), NAMES, volume, headers, MODEL)
    assert caught.value.code == "seg_unwritable"


def test_a_note_survives_a_file(image: tuple[Volume, list[Dataset]], tmp_path: Path) -> None:
    volume, headers = image
    seg = write_seg(some_labels(volume), NAMES, volume, headers, MODEL)
    assert read_note(seg) == {}
    attach_note(seg, {"question": "first"})
    attach_note(seg, {"question": "Wo ist das Ödem?", "n": [1, None]})
    assert read_note(through_file(seg, tmp_path)) == {"question": "Wo ist das Ödem?", "n": [1, None]}
