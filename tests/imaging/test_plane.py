"""Slices and planes: every axis orientation, oblique affines, single slices, pictures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from prsmed.errors import PRSMedError
from prsmed.imaging.plane import PLANES, Plane, extract, native_plane, place, slice_count, slice_voxel
from prsmed.imaging.volume import Volume

ORIENTATIONS = [
    (permutation, signs)
    for permutation in itertools.permutations(range(3))
    for signs in itertools.product((-1.0, 1.0), repeat=3)
]
# RAS direction of rows and of columns on the screen.
DOWN = {"axial": (0, -1, 0), "coronal": (0, 0, -1), "sagittal": (0, 0, -1)}
RIGHTWARD = {"axial": (-1, 0, 0), "coronal": (-1, 0, 0), "sagittal": (0, -1, 0)}


def make_affine(
    permutation: tuple[int, ...],
    signs: tuple[float, ...],
    spacing: tuple[float, ...] = (0.7, 1.3, 3.1),
    tilt: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis in range(3):
        affine[permutation[axis], axis] = signs[axis] * spacing[axis]
    if tilt is not None:
        affine[:3, :3] = tilt @ affine[:3, :3]
    affine[:3, 3] = (11.0, -7.0, 5.0)
    return affine


def make_volume(
    affine: NDArray[np.float64], shape: tuple[int, ...] = (4, 5, 6), has_patient_space: bool = True
) -> Volume:
    voxels = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    return Volume(voxels, affine, has_patient_space=has_patient_space)


def check_geometry(volume: Volume, plane: Plane) -> None:
    """What every plane of every volume must keep: exact pixels, exact way back, agreeing affines."""
    index = slice_count(volume, plane) // 2
    image_slice = extract(volume, plane, index)
    rows, cols = image_slice.shape
    for row, col in itertools.product(range(rows), range(cols)):
        i, j, k = slice_voxel(image_slice, row, col)
        assert volume.voxels[int(i), int(j), int(k)] == image_slice.pixels[row, col]
        np.testing.assert_allclose(image_slice.affine @ (row, col, 0, 1), volume.affine @ (i, j, k, 1), atol=1e-9)
    placed = np.full(volume.shape, -1, dtype=np.int32)
    place(image_slice.pixels, image_slice, placed)
    written = placed >= 0
    assert written.sum() == rows * cols
    np.testing.assert_array_equal(placed[written], volume.voxels[written])


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize(("permutation", "signs"), ORIENTATIONS)
def test_every_orientation_is_shown_radiologically(
    permutation: tuple[int, ...], signs: tuple[float, ...], plane: Plane
) -> None:
    volume = make_volume(make_affine(permutation, signs))
    check_geometry(volume, plane)
    image_slice = extract(volume, plane, 1)
    down, right = image_slice.affine[:3, 0], image_slice.affine[:3, 1]
    np.testing.assert_allclose(down / np.linalg.norm(down), DOWN[plane], atol=1e-12)
    np.testing.assert_allclose(right / np.linalg.norm(right), RIGHTWARD[plane], atol=1e-12)
    np.testing.assert_allclose(image_slice.spacing, (np.linalg.norm(down), np.linalg.norm(right)))
    normal = permutation.index({"axial": 2, "coronal": 1, "sagittal": 0}[plane])
    assert image_slice.thickness_mm == pytest.approx((0.7, 1.3, 3.1)[normal])
    assert slice_count(volume, plane) == volume.shape[normal]


@settings(max_examples=60, deadline=None)
@given(
    orientation=st.sampled_from(ORIENTATIONS),
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.2, 8)] * 3),
    plane=st.sampled_from(PLANES),
)
def test_any_oblique_volume_round_trips(
    orientation: tuple[tuple[int, ...], tuple[float, ...]],
    angles: tuple[float, ...],
    spacing: tuple[float, ...],
    plane: Plane,
) -> None:
    tilt = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    check_geometry(make_volume(make_affine(*orientation, spacing, tilt)), plane)


@settings(max_examples=60, deadline=None)
@given(orientation=st.sampled_from(ORIENTATIONS), angles=st.tuples(*[st.floats(-20, 20)] * 3))
def test_patient_left_is_on_the_right_of_a_tilted_picture(
    orientation: tuple[tuple[int, ...], tuple[float, ...]], angles: tuple[float, ...]
) -> None:
    tilt = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine = make_affine(*orientation, tilt=tilt)
    shape = (8, 9, 10)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    x_mm = (grid @ affine[:3, :3].T)[..., 0] + affine[0, 3]
    volume = Volume(x_mm, affine)
    planes: tuple[Plane, ...] = ("axial", "coronal")
    for plane in planes:
        pixels = extract(volume, plane, 4).pixels
        assert pixels[:, 0].mean() > pixels[:, -1].mean()  # R is +x, so the picture's left side holds the larger x


@pytest.mark.parametrize(("permutation", "signs"), ORIENTATIONS)
@pytest.mark.parametrize("single", range(3))
def test_single_slice_volumes_round_trip_on_their_plane(
    permutation: tuple[int, ...], signs: tuple[float, ...], single: int
) -> None:
    shape = tuple(1 if axis == single else 4 + axis for axis in range(3))
    volume = make_volume(make_affine(permutation, signs), shape)
    plane = native_plane(volume)
    assert plane == ("sagittal", "coronal", "axial")[permutation[single]]
    assert slice_count(volume, plane) == 1
    check_geometry(volume, plane)
    for other in set(PLANES) - {plane}:
        with pytest.raises(PRSMedError, match=f"choose {plane}") as caught:
            extract(volume, other, 0)
        assert caught.value.code == "plane_not_available"


def test_a_picture_is_shown_as_stored() -> None:
    volume = make_volume(np.diag((1.0, 1.0, 1.0, 1.0)), (7, 5, 1), has_patient_space=False)
    image_slice = extract(volume, native_plane(volume), 0)
    assert image_slice.plane == "axial"
    np.testing.assert_array_equal(image_slice.pixels, volume.voxels[:, :, 0].T)
    check_geometry(volume, "axial")
    with pytest.raises(PRSMedError, match="no patient space"):
        extract(volume, "coronal", 0)


def test_frames_without_patient_space_are_a_stack() -> None:
    volume = make_volume(np.eye(4), (4, 5, 3), has_patient_space=False)
    assert slice_count(volume, "axial") == 3
    np.testing.assert_array_equal(extract(volume, "axial", 2).pixels, volume.voxels[:, :, 2].T)
    check_geometry(volume, "axial")


def test_color_keeps_its_channels() -> None:
    voxels = np.random.default_rng(0).integers(0, 255, (4, 5, 6, 3)).astype(np.uint8)
    image_slice = extract(Volume(voxels, np.diag((-1.0, -1.0, 1.0, 1.0))), "axial", 3)
    np.testing.assert_array_equal(image_slice.pixels, voxels[:, :, 3].transpose(1, 0, 2))
    assert image_slice.window is None


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        ((0.5, 0.5, 3.0), "axial"),
        ((3.0, 0.5, 0.5), "sagittal"),
        ((0.5, 3.0, 0.5), "coronal"),
        ((1.0, 1.2, 1.0), "axial"),
        ((1.0, 1.0, 1.0), "axial"),
    ],
)
def test_native_plane_is_the_plane_of_acquisition(spacing: tuple[float, ...], expected: str) -> None:
    assert native_plane(make_volume(make_affine((0, 1, 2), (1, 1, 1), spacing))) == expected


def test_native_plane_of_a_sagittal_acquisition() -> None:
    assert native_plane(make_volume(make_affine((1, 2, 0), (-1, -1, 1), (1.0, 1.0, 1.0)))) == "sagittal"


def test_bad_requests_say_the_cure() -> None:
    volume = make_volume(make_affine((0, 1, 2), (1, 1, 1)))
    for index in (-1, 6):
        with pytest.raises(PRSMedError) as caught:
            extract(volume, "axial", index)
        assert caught.value.code == "slice_out_of_range"
        assert str(caught.value) == f"slice {index} is outside 0..5 on the axial plane; choose one inside"
    with pytest.raises(PRSMedError, match="axial, coronal, sagittal") as caught:
        extract(volume, "oblique", 0)  # type: ignore[arg-type]
    assert caught.value.code == "unknown_plane"


def test_a_mask_of_another_size_is_refused() -> None:
    image_slice = extract(make_volume(np.eye(4)), "axial", 0)
    with pytest.raises(ValueError, match="mask has shape"):
        place(np.zeros((4, 5)), image_slice, np.zeros((4, 5, 6)))
    with pytest.raises(ValueError, match="out has shape"):
        place(np.zeros((5, 4)), image_slice, np.zeros((4, 5, 7)))
