"""NIfTI, NRRD and pictures: geometry against SimpleITK, and files that are wrong."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from prsmed.errors import PRSMedError
from prsmed.imaging.plane import extract, native_plane
from prsmed.imaging.reader import read_volume
from prsmed.imaging.window import to_display

AFFINE = np.array([[0, 0, 3.0, 5], [-0.8, 0, 0, 7], [0, 0.9, 0, -2], [0, 0, 0, 1]])


def itk_affine(path: Path) -> np.ndarray:
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return np.diag((-1, -1, 1, 1)) @ affine


@pytest.mark.parametrize(
    "name",
    [
        "pyradiomics/brain1_image.nrrd",
        "pyradiomics/breast1_image.nrrd",
        "pyradiomics/prostate_phantom_subvolume.nrrd",
        "msd_hippocampus/images/hippocampus_003.nii.gz",
        "totalsegmentator_ref/example_mr_sm.nii.gz",
        "sts_tcia/nifti/STS_003/PET_image.nii.gz",
    ],
)
def test_real_files_agree_with_simpleitk(shared_data: Path, name: str) -> None:
    path = shared_data / "volumes" / name
    volume = read_volume(path)
    np.testing.assert_allclose(volume.affine, itk_affine(path), atol=1e-4)
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).transpose(2, 1, 0)
    np.testing.assert_allclose(volume.voxels, voxels, rtol=1e-6)
    assert volume.has_patient_space


def test_nifti_scaling_and_trailing_axes(tmp_path: Path) -> None:
    stored = np.arange(24, dtype=np.int16).reshape(2, 3, 4, 1, 1)
    image = nib.Nifti1Image(stored, AFFINE)
    image.header.set_slope_inter(2.0, -5.0)
    nib.save(image, tmp_path / "a.nii.gz")
    scaled = nib.load(tmp_path / "a.nii.gz").get_fdata()[..., 0, 0]
    volume = read_volume(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(volume.voxels, scaled)
    np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-6)
    assert volume.shape == (2, 3, 4)


def test_nifti_without_orientation_has_no_patient_space(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((3, 4, 5), np.int16), None)
    image.header.set_zooms((1, 2, 3))
    nib.save(image, tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    assert not volume.has_patient_space
    np.testing.assert_allclose(volume.affine, itk_affine(tmp_path / "a.nii"))


def write_nifti(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    nib.save(nib.Nifti1Image(voxels, affine), path)


def truncated(path: Path) -> None:
    write_nifti(path, np.random.default_rng(0).integers(0, 99, (9, 9, 9)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-200])


def truncated_gzip(path: Path) -> None:
    truncated(path.with_suffix(""))
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))


def cut_gzip(path: Path) -> None:
    write_nifti(path, np.random.default_rng(0).integers(0, 99, (9, 9, 9)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-200])


def series_of_volumes(path: Path) -> None:
    write_nifti(path, np.zeros((3, 4, 5, 6), np.int16))


def colored(path: Path) -> None:
    rgb = np.zeros((3, 4, 5), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    write_nifti(path, rgb)


def with_sform(path: Path, value: float) -> None:
    write_nifti(path, np.zeros((3, 4, 5), np.int16))
    content = bytearray(path.read_bytes())
    content[280:292] = np.full(3, value, "<f4").tobytes()  # srow_x, its first three numbers
    path.write_bytes(content)


def nan_affine(path: Path) -> None:
    with_sform(path, np.nan)


def singular_affine(path: Path) -> None:
    with_sform(path, 0.0)


def all_nan(path: Path) -> None:
    write_nifti(path, np.full((3, 4, 5), np.nan, np.float32))


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 100)


def empty(path: Path) -> None:
    path.touch()


def nothing(path: Path) -> None:
    pass


def other_text(path: Path) -> None:
    path.write_text("hello " * 100)


def vector_nrrd(path: Path) -> None:
    sitk.WriteImage(sitk.Image([3, 4, 5], sitk.sitkVectorFloat32, 2), str(path))


def four_axes_nrrd(path: Path) -> None:
    sitk.WriteImage(sitk.Image([3, 4, 5, 6], sitk.sitkInt16), str(path))


def singular_nrrd(path: Path) -> None:
    path.write_bytes(
        b"NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 2 2\n"
        b"space directions: (1,0,0) (1,0,0) (0,0,1)\nencoding: raw\nspace origin: (0,0,0)\n\n" + bytes(8)
    )


def two_pages(path: Path) -> None:
    page = Image.new("L", (4, 4))
    page.save(path, save_all=True, append_images=[page])


def cut_png(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-900])


@pytest.mark.parametrize(
    ("make", "name", "code"),
    [
        (nothing, "a.nii.gz", "file_not_found"),
        (truncated, "a.nii", "unreadable_image"),
        (truncated_gzip, "a.nii.gz", "unreadable_image"),
        (cut_gzip, "a.nii.gz", "unreadable_image"),
        (garbage, "a.nii.gz", "unreadable_image"),
        (empty, "a.nii", "unreadable_image"),
        (series_of_volumes, "a.nii", "not_3d"),
        (colored, "a.nii", "not_3d"),
        (nan_affine, "a.nii", "bad_affine"),
        (singular_affine, "a.nii", "bad_affine"),
        (all_nan, "a.nii", "bad_voxels"),
        (garbage, "a.nrrd", "unreadable_image"),
        (empty, "a.nrrd", "unreadable_image"),
        (vector_nrrd, "a.nrrd", "not_3d"),
        (four_axes_nrrd, "a.nrrd", "not_3d"),
        (singular_nrrd, "a.nrrd", "bad_affine"),
        (garbage, "a.png", "unreadable_image"),
        (cut_png, "a.png", "unreadable_image"),
        (two_pages, "a.tif", "not_3d"),
        (other_text, "a.txt", "unknown_format"),
        (other_text, "a", "unknown_format"),
    ],
)
def test_bad_files_say_the_cure(tmp_path: Path, make: Callable[[Path], None], name: str, code: str) -> None:
    make(tmp_path / name)
    with pytest.raises(PRSMedError) as caught:
        read_volume(tmp_path / name)
    assert caught.value.code == code
    message = str(caught.value)
    assert ";" in message
    assert "\n" not in message
    assert str(tmp_path) not in message


def test_nan_voxels_are_shown_black(tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).uniform(100, 200, (4, 4, 4)).astype(np.float32)
    voxels[1, 2, 3] = np.nan
    write_nifti(tmp_path / "a.nii", voxels, np.diag((-1.0, -1, 1, 1)))
    volume = read_volume(tmp_path / "a.nii")
    shown = to_display(extract(volume, "axial", 3), (150.0, 200.0))
    assert shown[2, 1, 0] == 0
    assert (np.delete(shown[..., 0].ravel(), 2 * 4 + 1) > 50).all()


def test_nrrd_color_and_missing_space(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (3, 4, 5, 3)).astype(np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(rgb, isVector=True), str(tmp_path / "c.nrrd"))
    volume = read_volume(tmp_path / "c.nrrd")
    np.testing.assert_array_equal(volume.voxels, rgb.transpose(2, 1, 0, 3))
    (tmp_path / "n.nrrd").write_bytes(
        b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 3 4\nspacings: 1 2 3\nencoding: raw\n\n" + bytes(24)
    )
    assert not read_volume(tmp_path / "n.nrrd").has_patient_space


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_a_picture_comes_as_it_is(tmp_path: Path, ending: str, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    path = tmp_path / f"a{ending}"
    Image.fromarray(pixels).save(path)
    volume = read_volume(path)
    assert volume.shape == (7, 5, 1)
    assert not volume.has_patient_space
    image_slice = extract(volume, native_plane(volume), 0)
    np.testing.assert_array_equal(image_slice.pixels, pixels)
    shown = to_display(image_slice)
    np.testing.assert_array_equal(shown, pixels if len(shape) == 3 else np.repeat(pixels[..., None], 3, 2))


def test_sixteen_bit_png_keeps_its_values(tmp_path: Path) -> None:
    pixels = np.arange(35, dtype=np.uint16).reshape(5, 7) * 1800
    Image.fromarray(pixels).save(tmp_path / "a.png")
    volume = read_volume(tmp_path / "a.png")
    np.testing.assert_array_equal(volume.voxels[:, :, 0].T, pixels)
    assert to_display(extract(volume, "axial", 0)).max() == 255


def test_a_photograph_taken_sideways_is_turned(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: its left side becomes the top
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    shown = to_display(extract(read_volume(tmp_path / "a.jpg"), "axial", 0))
    assert shown.shape == (16, 8, 3)
    assert shown[:7].min() > 200
    assert shown[9:].max() < 50


def test_a_real_liver_is_on_the_left_of_the_picture(shared_data: Path) -> None:
    """Anatomy as the reference: no convention of ours can make a liver change sides."""
    folder = shared_data / "volumes/dcmqi_ct3slice"
    image, liver = read_volume(folder / "ct-3slice"), read_volume(folder / "liver_seg.nrrd")
    np.testing.assert_allclose(image.affine, liver.affine, atol=1e-4)
    mask = extract(liver, "axial", 1).pixels > 0
    body = extract(image, "axial", 1).pixels > -200
    body_cols, liver_cols = np.nonzero(body)[1], np.nonzero(mask)[1]
    assert liver_cols.mean() < body_cols.mean() - 20
