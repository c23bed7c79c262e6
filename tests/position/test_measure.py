"""Sizes against analytic shapes; centroid and patient side in all 48 orientations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from prsmed.imaging.plane import PLANES, ImageSlice, extract
from prsmed.imaging.volume import Volume
from prsmed.position.measure import Naming, longest_diameter, measure, measure_volume

TUMOUR = Naming("tumour")
ORIENTATIONS = [
    (axes, signs) for axes in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)
]


def oriented(axes: tuple[int, ...], signs: tuple[int, ...], spacing: tuple[float, ...]) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = 0
    for voxel_axis, (world, sign, step) in enumerate(zip(axes, signs, spacing, strict=True)):
        affine[world, voxel_axis] = sign * step
    affine[:3, 3] = (13.0, -41.0, 77.0)
    return affine


def blank(shape: tuple[int, int, int], affine: np.ndarray, *, has_patient_space: bool = True) -> Volume:
    return Volume(np.zeros(shape, np.int16), affine, window=(0.0, 1.0), has_patient_space=has_patient_space)


def shown(volume: Volume, mask: np.ndarray, plane: str, index: int) -> tuple[np.ndarray, ImageSlice]:
    as_volume = Volume(mask.astype(np.uint8), volume.affine, window=(0.0, 1.0))
    return extract(as_volume, plane, index).pixels, extract(volume, plane, index)  # type: ignore[arg-type]


@pytest.mark.parametrize(("axes", "signs"), ORIENTATIONS)
def test_side_zone_and_centroid_in_every_orientation(axes: tuple[int, ...], signs: tuple[int, ...]) -> None:
    volume = blank((21, 23, 25), oriented(axes, signs, (5.0, 6.0, 7.5)))
    middle = volume.affine @ (10, 11, 12, 1)
    offset = np.array([30.0, 30.0, 30.0, 0.0])  # towards the patient's right, front and top
    ijk = np.round(np.linalg.solve(volume.affine, middle + offset))[:3].astype(int)
    mask = np.zeros(volume.shape, np.uint8)
    mask[tuple(ijk)] = 1
    ras = (volume.affine @ (*ijk, 1))[:3]
    zones = {
        "axial": "top left",
        "coronal": "top left",
        "sagittal": "top left",
    }  # right, or front, is drawn left
    for plane in PLANES:
        index = int(ijk[extract(volume, plane, 0).axes[2]])
        pixels, image_slice = shown(volume, mask, plane, index)
        in_slice = measure(pixels, pixels.astype(np.float32), image_slice, TUMOUR)
        in_volume = measure_volume(mask, mask.astype(np.float32), volume, plane, TUMOUR)
        for (finding,) in (in_slice, in_volume):
            assert finding.patient_side == "right"
            assert finding.zone == zones[plane]
            assert finding.centroid_ijk == pytest.approx(tuple(ijk))
            assert finding.centroid_ras_mm == pytest.approx(tuple(ras))
        mirrored = mask[::-1, ::-1, ::-1]
        (other,) = measure_volume(mirrored, mirrored.astype(np.float32), volume, plane, TUMOUR)
        assert other.patient_side == "left"


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.floats(0.3, 4),
    st.floats(0.3, 4),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_a_rectangle_is_as_long_as_its_diagonal(
    rows: int, cols: int, row_mm: float, col_mm: float, seed: int, is_oblique: bool
) -> None:
    affine = np.eye(4)
    turn = Rotation.random(random_state=seed).as_matrix() if is_oblique else np.eye(3)
    affine[:3, :3] = turn @ np.diag([row_mm, col_mm, 2.0])
    region = np.zeros((14, 15), bool)
    region[1 : 1 + rows, 2 : 2 + cols] = True
    assert longest_diameter(region, affine) == pytest.approx(math.hypot(rows * row_mm, cols * col_mm))


@given(st.integers(0, 2**31))
def test_the_diameter_is_the_largest_distance_of_all_corners(seed: int) -> None:
    rng = np.random.default_rng(seed)
    region = rng.random((6, 7)) < 0.3
    region[2, 3] = True
    affine = np.eye(4)
    affine[:3, :2] = rng.normal(size=(3, 2))  # sheared, as with a tilted gantry
    corners = [
        affine[:3, :2] @ (row + down, col + across)
        for row, col in np.argwhere(region)
        for down in (-0.5, 0.5)
        for across in (-0.5, 0.5)
    ]
    assert longest_diameter(region, affine) == pytest.approx(
        max(float(np.linalg.norm(a - b)) for a in corners for b in corners)
    )


def test_an_ellipsoid_in_an_oblique_anisotropic_volume() -> None:
    spacing, radii = np.array([0.8, 1.1, 2.5]), np.array([12.0, 9.0, 15.0])
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [12, -9, 17], degrees=True).as_matrix() @ np.diag(spacing)
    shape = (48, 40, 24)
    grid = (np.indices(shape).reshape(3, -1).T - (np.array(shape) - 1) / 2) * spacing
    mask = ((grid / radii) ** 2).sum(axis=1).reshape(shape) <= 1
    probability = np.where(mask, 0.75, 0.1).astype(np.float32)
    (finding,) = measure_volume(mask, probability, blank(shape, affine), "axial", TUMOUR)
    assert finding.volume_mm3 == pytest.approx(4 / 3 * math.pi * radii.prod(), rel=0.02)
    assert finding.area_mm2 == pytest.approx(math.pi * 12 * 9, rel=0.02)
    assert finding.longest_diameter_mm == pytest.approx(24, abs=1.5)
    assert finding.confidence == pytest.approx(0.75)
    assert finding.centroid_ijk == pytest.approx((23.5, 19.5, 11.5))
    assert finding.zone == "center"


def test_several_regions_are_told_apart_largest_first() -> None:
    image_slice = extract(blank((40, 40, 1), np.diag([-3.0, -2.0, 4.0, 1.0])), "axial", 0)
    mask = np.zeros((40, 40), np.uint8)
    mask[2:6, 2:7] = 1
    mask[30:36, 30:38] = 1
    probability = np.where(mask[:, :], np.arange(1600).reshape(40, 40) / 1600, 0).astype(np.float32)
    large, small = measure(mask, probability, image_slice, Naming("nodule", label=3, rule="area", radius=0.1))
    assert (large.name, large.label, large.zone, small.zone) == ("nodule", 3, "bottom right", "top left")
    assert (large.area_mm2, small.area_mm2) == (48 * 6, 20 * 6)
    assert (large.patient_side, small.patient_side) == ("left", "right")
    assert large.volume_mm3 is None
    assert small.confidence == pytest.approx(float(probability[2:6, 2:7].mean()))


def test_without_patient_space_there_is_no_side_and_no_ras() -> None:
    image_slice = extract(blank((30, 20, 1), np.eye(4), has_patient_space=False), "axial", 0)
    mask = np.zeros((20, 30), np.uint8)
    mask[3:5, 4:6] = 1
    (finding,) = measure(mask, mask.astype(np.float32), image_slice, TUMOUR)
    assert finding.patient_side is None
    assert finding.centroid_ras_mm is None
    assert finding.centroid_ijk == (4.5, 3.5, 0.0)


def test_on_the_midline_there_is_no_side() -> None:
    volume = blank((21, 21, 5), np.diag([8.0, 8.0, 8.0, 1.0]))
    pixels = np.zeros((21, 21), np.uint8)
    pixels[3, 10] = 1
    (finding,) = measure(pixels, pixels.astype(np.float32), extract(volume, "axial", 2), TUMOUR)
    assert finding.patient_side is None
    pixels[3, 10], pixels[3, 11] = 0, 1
    (finding,) = measure(pixels, pixels.astype(np.float32), extract(volume, "axial", 2), TUMOUR)
    assert finding.patient_side is not None, "one pixel further there is"
    lone = blank((1, 21, 21), np.diag([200.0, 8.0, 8.0, 1.0]))
    (finding,) = measure(pixels, pixels.astype(np.float32), extract(lone, "sagittal", 0), TUMOUR)
    assert finding.patient_side is None


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize(("spacing", "knows"), [(4.7, False), (5.1, True)])
def test_a_volume_too_narrow_for_a_head_has_no_side(plane: str, spacing: float, knows: bool) -> None:
    """Cut around its target, its middle is not the patient's; the other two directions do not matter."""
    volume = blank((20, 90, 90), oriented((0, 1, 2), (1, 1, 1), (spacing, 2.0, 2.0)))
    mask = np.zeros(volume.shape, np.uint8)
    mask[15, 20:30, 20:30] = 1
    (finding,) = measure_volume(mask, mask.astype(np.float32), volume, plane, TUMOUR)  # type: ignore[arg-type]
    assert finding.patient_side == ("right" if knows else None)
    assert finding.centroid_ras_mm is not None


def test_nothing_is_found_in_an_empty_mask_and_shapes_must_match() -> None:
    volume = blank((8, 8, 8), np.eye(4))
    image_slice = extract(volume, "axial", 0)
    empty = np.zeros((8, 8), np.uint8)
    assert measure(empty, empty.astype(np.float32), image_slice, TUMOUR) == ()
    assert measure_volume(np.zeros((8, 8, 8)), np.zeros((8, 8, 8)), volume, "coronal", TUMOUR) == ()
    with pytest.raises(ValueError, match="shape"):
        measure(empty[:4], empty.astype(np.float32), image_slice, TUMOUR)
