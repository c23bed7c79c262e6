"""DICOM series: geometry against SimpleITK, and every way a folder can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from prsmed.errors import PRSMedError
from prsmed.imaging.reader import read_volume


def read_with_itk(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels ``(I, J, K)`` and RAS affine by SimpleITK."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0), np.diag((-1, -1, 1, 1)) @ affine


def test_an_oblique_series_in_any_file_order(series: Any) -> None:
    volume = read_volume(series.write())
    voxels, affine = read_with_itk(series.folder)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_array_equal(volume.voxels, series.values.transpose(2, 1, 0).astype(int) - 1024)
    np.testing.assert_allclose(volume.spacing, (0.7, 0.9, 2.5))
    assert volume.modality == "CT"
    assert volume.identifiers == {
        "series_uid": "1.2.3",
        "study_uid": "1.2.4",
        "frame_of_reference_uid": "1.2.5",
    }


@pytest.mark.parametrize(
    "name",
    [
        "brain_mr_dicom/11-T1post-18670",
        "brain_mr_dicom/36468-FLAIRreg-58706",
        "sts_tcia/dicom/STS_003/CT/image",
        "sts_tcia/dicom/STS_002/MR_T1/image",
        "dcmqi_ct3slice/ct-3slice",
    ],
)
def test_real_series_agree_with_simpleitk(shared_data: Path, name: str) -> None:
    folder = shared_data / "volumes" / name
    volume = read_volume(folder)
    voxels, affine = read_with_itk(folder)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-3)  # SimpleITK takes the step from two slices
    np.testing.assert_allclose(volume.affine[:3, 3], affine[:3, 3], atol=1e-4)
    np.testing.assert_array_equal(volume.voxels, voxels)


def test_slopes_of_single_slices_are_kept_apart(series: Any) -> None:
    for k, tags in enumerate(series.slices):
        tags |= {"RescaleSlope": 0.5 + k, "RescaleIntercept": 0.0}
    expected = series.values * (0.5 + np.arange(7))[:, None, None]
    np.testing.assert_allclose(read_volume(series.write()).voxels, expected.transpose(2, 1, 0), rtol=1e-6)


def test_a_tilted_gantry_keeps_every_slice_in_place(series: Any) -> None:
    for k, tags in enumerate(series.slices):
        tags["ImagePositionPatient"] = list(np.array(tags["ImagePositionPatient"]) + 0.8 * k * series.down)
    volume = read_volume(series.write())
    for k, tags in enumerate(series.slices):
        x, y, z = tags["ImagePositionPatient"]
        np.testing.assert_allclose((volume.affine @ (0, 0, k, 1))[:3], (-x, -y, z), atol=1e-6)


def test_the_window_is_that_of_the_middle_slice(series: Any) -> None:
    for k, tags in enumerate(series.slices):
        tags |= {"WindowCenter": [10.0 + k, 99.0], "WindowWidth": [100.0, 5.0]}
    assert read_volume(series.write()).window == (13.0, 100.0)


def test_files_that_are_no_images_are_passed_over(series: Any, write_dicom: Callable[..., Path]) -> None:
    folder = series.write()
    (folder / "notes.txt").write_text("hello")
    (folder / "empty").touch()
    (folder / "inner").mkdir()
    write_dicom("series/report.dcm", None, Modality="SR", SeriesInstanceUID="9.9")
    write_dicom("series/seg.dcm", np.zeros((3, 6, 8), np.uint8), Modality="SEG", SeriesInstanceUID="9.8")
    assert read_volume(folder).shape == (8, 6, 7)


def remove_one(slices: list[dict[str, Any]]) -> None:
    del slices[3]


def remove_two(slices: list[dict[str, Any]]) -> None:
    del slices[1], slices[4]


def nudge_one(slices: list[dict[str, Any]]) -> None:
    position = np.array(slices[3]["ImagePositionPatient"])
    slices[3]["ImagePositionPatient"] = list(0.75 * position + 0.25 * np.array(slices[4]["ImagePositionPatient"]))


def copy_one(slices: list[dict[str, Any]]) -> None:
    slices.append(dict(slices[2]))


def turn_one(slices: list[dict[str, Any]]) -> None:
    slices[3]["ImageOrientationPatient"] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def shift_half(slices: list[dict[str, Any]]) -> None:
    for tags in slices[3:]:
        tags["ImagePositionPatient"] = list(np.add(tags["ImagePositionPatient"], (18.0, 24.0, 0.0)))


def crop_one(slices: list[dict[str, Any]]) -> None:
    slices[5]["pixels"] = slices[5]["pixels"][:5]


def rescale_one(slices: list[dict[str, Any]]) -> None:
    slices[5]["PixelSpacing"] = [0.5, 0.5]


def another_series(slices: list[dict[str, Any]]) -> None:
    slices[0]["SeriesInstanceUID"] = "8.8"


def lose_position(slices: list[dict[str, Any]]) -> None:
    del slices[6]["ImagePositionPatient"]


def zero_spacing(slices: list[dict[str, Any]]) -> None:
    slices[0]["PixelSpacing"] = [0.0, 0.7]


def flat_orientation(slices: list[dict[str, Any]]) -> None:
    for tags in slices:
        tags["ImageOrientationPatient"] = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        (remove_one, "dicom_missing_slices", "about 1 slice"),
        (remove_two, "dicom_missing_slices", "about 2 slice"),
        (nudge_one, "dicom_missing_slices", "unevenly"),
        (copy_one, "dicom_duplicate_positions", "1 slice"),
        (turn_one, "dicom_mixed_orientation", "localizer"),
        (shift_half, "dicom_mixed_orientation", "shifted"),
        (crop_one, "dicom_mixed_size", "one size"),
        (rescale_one, "dicom_mixed_size", "pixel spacing"),
        (another_series, "dicom_several_series", "2 image series"),
        (lose_position, "dicom_no_position", "1 of the 7"),
        (zero_spacing, "bad_affine", "Pixel Spacing"),
        (flat_orientation, "bad_affine", "perpendicular"),
    ],
)
def test_a_spoiled_series_says_what_is_wrong(
    series: Any, spoil: Callable[[list[dict[str, Any]]], None], code: str, words: str
) -> None:
    spoil(series.slices)
    with pytest.raises(PRSMedError, match=words) as caught:
        read_volume(series.write())
    assert caught.value.code == code
    assert ";" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x" * 200)
    with pytest.raises(PRSMedError, match="no DICOM images") as caught:
        read_volume(tmp_path)
    assert caught.value.code == "dicom_no_images"


def test_a_truncated_slice_is_named(series: Any) -> None:
    folder = series.write()
    victim = folder / "IM003"
    victim.write_bytes(victim.read_bytes()[:-40])
    with pytest.raises(PRSMedError, match="IM003") as caught:
        read_volume(folder)
    assert caught.value.code == "unreadable_image"


def test_a_folder_with_one_slice(series: Any) -> None:
    del series.slices[1:]
    volume = read_volume(series.write())
    assert volume.shape == (8, 6, 1)
    assert volume.spacing[2] == pytest.approx(2.0)
    assert volume.has_patient_space
