"""Phantoms: a lesion where the mask says, different every time, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prsmed.errors import PRSMedError
from prsmed.imaging.demo import demo_phantoms, write_demo_studies
from prsmed.imaging.phantom import PHANTOM_KINDS, PhantomKind, make_phantom, phantom_slice
from prsmed.imaging.plane import extract, native_plane
from prsmed.imaging.reader import read_volume
from prsmed.imaging.volume import Volume


@pytest.mark.parametrize("kind", PHANTOM_KINDS)
def test_slices_differ_and_repeat(kind: PhantomKind) -> None:
    slices = [phantom_slice(kind, np.random.default_rng(seed)) for seed in range(12)]
    again, mask_again = phantom_slice(kind, np.random.default_rng(3))
    np.testing.assert_array_equal(again, slices[3][0])
    np.testing.assert_array_equal(mask_again, slices[3][1])
    centroids = np.array([np.argwhere(mask).mean(axis=0) for _, mask in slices])
    assert np.ptp(centroids, axis=0).min() > 50
    for picture, mask in slices:
        assert picture.shape == (256, 256, 3)
        assert picture.dtype == mask.dtype == np.uint8
        assert 20 <= mask.sum() < 0.5 * mask.size
        assert set(np.unique(mask)) == {0, 1}
        assert picture.std() > 10


@pytest.mark.parametrize("kind", PHANTOM_KINDS)
def test_without_lesion_the_mask_is_empty(kind: PhantomKind) -> None:
    assert not phantom_slice(kind, np.random.default_rng(0), lesion=False)[1].any()
    assert not make_phantom(kind, np.random.default_rng(0), lesion=False)[1].any()


def test_a_nodule_is_soft_tissue_in_lung() -> None:
    volume, mask = make_phantom("ct", np.random.default_rng(1))
    healthy, _ = make_phantom("ct", np.random.default_rng(1), lesion=False)
    inside = mask > 0
    assert -200 < volume.voxels[inside].mean() < 150
    assert volume.voxels.min() >= -1024
    changed = np.abs(volume.voxels.astype(int) - healthy.voxels).max()
    assert changed > 300
    assert healthy.shape == volume.shape


def test_a_skin_lesion_is_darker_than_the_skin_around_it() -> None:
    for seed in range(8):
        picture, mask = phantom_slice("photo", np.random.default_rng(seed))
        inside = picture[mask > 0].mean()
        rows, cols = np.nonzero(mask)
        window = (
            slice(max(rows.min() - 12, 0), rows.max() + 12),
            slice(max(cols.min() - 12, 0), cols.max() + 12),
        )
        around = picture[window][mask[window] == 0].mean()
        assert inside < around - 15


@pytest.mark.parametrize("kind", ["ct", "mr"])
def test_volumes_are_thick_slices_in_patient_space(kind: PhantomKind) -> None:
    volume, mask = make_phantom(kind, np.random.default_rng(2))
    assert mask.shape == volume.shape
    assert volume.has_patient_space
    assert native_plane(volume) == "axial"
    assert volume.spacing[2] > 1.5 * volume.spacing[0]
    assert np.linalg.norm(volume.affine @ (*(np.array(volume.shape) - 1) / 2, 1)) < 60  # about the origin
    bone = volume.voxels > np.percentile(volume.voxels, 99.5)
    assert bone.any()


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(PRSMedError, match="ct, mr, photo"):
        make_phantom("pet", np.random.default_rng(0))  # type: ignore[arg-type]


def test_the_chest_lies_on_its_back() -> None:
    """The spine is behind and the heart on the left, in the patient's space."""
    volume, _ = make_phantom("ct", np.random.default_rng(0), lesion=False)
    bone = world(volume, volume.voxels > 250)
    tissue = world(volume, (volume.voxels > 0) & (volume.voxels < 200))
    spine = np.median(bone[bone[:, 1] < tissue[:, 1].mean()], axis=0)
    assert spine[1] < tissue[:, 1].mean() - 20
    beside = tissue[:, 0] - spine[0]
    in_front = (tissue[:, 1] > spine[1] + 50) & (np.abs(beside) > 20) & (np.abs(beside) < 50)
    assert (beside[in_front] < 0).sum() > 1.2 * (beside[in_front] > 0).sum()  # left is -R


def world(volume: Volume, where: np.ndarray) -> np.ndarray:
    """RAS millimetres ``(n, 3)`` of the voxels that are ``True``."""
    return np.c_[np.argwhere(where), np.ones(where.sum())] @ volume.affine[:3].T


def test_demo_studies_read_back_as_made(tmp_path: Path) -> None:
    paths = write_demo_studies(tmp_path / "demo", seed=4)
    phantoms = demo_phantoms(seed=4)
    assert set(paths) == set(phantoms) == {"chest_ct", "brain_mr", "skin_photo"}
    for name, path in paths.items():
        made, mask = phantoms[name]
        volume = read_volume(path)
        np.testing.assert_array_equal(volume.voxels, made.voxels)
        np.testing.assert_allclose(volume.affine, made.affine, atol=1e-4)
        assert volume.has_patient_space == made.has_patient_space
        assert mask.any()
        plane = native_plane(volume)
        lesion = extract(Volume(mask, volume.affine, has_patient_space=volume.has_patient_space), plane, 0)
        assert lesion.shape == extract(volume, plane, 0).shape
    assert read_volume(paths["chest_ct"]).default_window == (-600.0, 1500.0)


def test_demo_studies_repeat_to_the_byte(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_demo_studies(tmp_path / folder, seed=1)
    for first in sorted((tmp_path / "a/chest_ct").iterdir()):
        assert first.read_bytes() == (tmp_path / "b/chest_ct" / first.name).read_bytes()
