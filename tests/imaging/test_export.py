"""Label maps on disk lie on the image's own grid."""

from __future__ import annotations

import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from scipy.spatial.transform import Rotation

from prsmed.errors import PRSMedError
from prsmed.imaging.export import write_labelmap
from prsmed.imaging.reader import read_volume
from prsmed.imaging.volume import Volume

MASK = np.random.default_rng(0).integers(0, 4, (5, 6, 7)).astype(np.uint8)


def make_affine(seed: int) -> np.ndarray:
    affine = np.eye(4)
    rotation = Rotation.random(random_state=seed).as_matrix()
    permutation = list(itertools.permutations(range(3)))[seed % 6]
    affine[:3, :3] = rotation[:, permutation] * (0.6, 1.1, 4.0)
    affine[:3, 3] = (-101.3, 57.25, 880.5)
    return affine


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize("seed", range(6))
def test_geometry_and_labels_by_simpleitk(tmp_path: Path, ending: str, seed: int) -> None:
    affine = make_affine(seed)
    path = tmp_path / f"mask{ending}"
    write_labelmap(MASK, Volume(np.zeros(MASK.shape, np.int16), affine), path)
    image = sitk.ReadImage(str(path))
    assert image.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), MASK)
    for index in ((0, 0, 0), (4, 0, 0), (0, 5, 0), (4, 5, 6)):
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((-x, -y, z), (affine @ (*index, 1))[:3], atol=1e-4)
    again = read_volume(path)
    np.testing.assert_allclose(again.affine, affine, atol=1e-4)
    np.testing.assert_array_equal(again.voxels, MASK)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd"])
def test_a_sheared_grid_is_kept(tmp_path: Path, ending: str) -> None:
    affine = make_affine(1)
    affine[:3, 2] += 0.2 * affine[:3, 1]
    path = tmp_path / f"mask{ending}"
    write_labelmap(MASK, Volume(np.zeros(MASK.shape, np.int16), affine), path)
    np.testing.assert_allclose(read_volume(path).affine, affine, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        "brain_mr_dicom/11-T1post-18670",
        "pyradiomics/brain1_image.nrrd",
        "msd_hippocampus/images/hippocampus_003.nii.gz",
    ],
)
@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd"])
def test_the_grid_of_real_images(shared_data: Path, tmp_path: Path, name: str, ending: str) -> None:
    volume = read_volume(shared_data / "volumes" / name)
    mask = np.zeros(volume.shape, np.uint8)
    mask[3, 4, 5] = 1
    write_labelmap(mask, volume, tmp_path / f"mask{ending}")
    again = read_volume(tmp_path / f"mask{ending}")
    corners = np.array(list(itertools.product(*[(0, n - 1) for n in volume.shape])))
    corners = np.hstack([corners, np.ones((8, 1))])
    np.testing.assert_allclose(corners @ again.affine.T, corners @ volume.affine.T, atol=1e-4)
    np.testing.assert_array_equal(again.voxels, mask)


def test_a_picture_gets_a_picture(tmp_path: Path) -> None:
    pixels = np.zeros((4, 9, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    mask = np.zeros((9, 4, 1), np.uint8)
    mask[7, 1, 0] = 2
    write_labelmap(mask, read_volume(tmp_path / "image.png"), tmp_path / "mask.png")
    written = np.asarray(Image.open(tmp_path / "mask.png"))
    assert written.shape == (4, 9)
    assert written[1, 7] == 2
    assert written.sum() == 2


@pytest.mark.parametrize(("name", "code"), [("mask.png", "not_2d"), ("mask.jpg", "unknown_format")])
def test_wrong_endings_write_nothing(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(PRSMedError) as caught:
        write_labelmap(MASK, Volume(np.zeros(MASK.shape, np.int16), np.eye(4)), tmp_path / name)
    assert caught.value.code == code
    assert not list(tmp_path.iterdir())


def test_a_mask_of_another_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mask has shape"):
        write_labelmap(MASK[1:], Volume(np.zeros(MASK.shape, np.int16), np.eye(4)), tmp_path / "a.nrrd")


def test_the_nifti_says_millimetres_and_scanner_space(tmp_path: Path) -> None:
    write_labelmap(MASK, Volume(np.zeros(MASK.shape, np.int16), make_affine(0)), tmp_path / "a.nii")
    header = nib.load(tmp_path / "a.nii").header
    assert header.get_xyzt_units()[0] == "mm"
    assert int(header["sform_code"]) == int(header["qform_code"]) == 1
