"""Which slice a view shows, and what the server calls its plane."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from prsmed.imaging import Volume, extract
from PRSMedLib.geometry import planeOfAxis, shownSlice
from PRSMedLib.problem import Problem

# Columns of SliceToRAS in Slicer's presets.
AXIAL = np.array([[-1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
CORONAL = np.array([[-1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
SAGITTAL = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
SIZE = (40, 30, 12)


def rotation(angles: tuple[float, float, float]) -> NDArray[np.float64]:
    a, b, c = angles
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def affine(linear: NDArray[np.float64], origin: tuple[float, float, float] = (3, -5, 7)) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, origin
    return matrix


def view_at(view: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """The view moved so that its plane goes through a place."""
    moved = view.copy()
    moved[:3, 3] = place[:3]
    return moved


angles = st.tuples(*[st.floats(-3.1, 3.1)] * 3)


@given(angles, st.tuples(*[st.floats(0.3, 6)] * 3))
@settings(max_examples=200, deadline=None)
def test_the_server_and_the_panel_call_planes_alike(turned: tuple[float, float, float], spacing) -> None:
    matrix = affine(rotation(turned) * spacing)
    strength = np.sort(np.abs(nib.io_orientation(matrix)[:, 0]))
    assert list(strength) == [0, 1, 2]
    volume = Volume(np.zeros((4, 5, 6), np.int16), matrix)
    for axis in range(3):
        plane = planeOfAxis(matrix, axis)
        assert extract(volume, plane, 0).axes[2] == axis


@pytest.mark.parametrize(
    ("view", "axis"), [(AXIAL, 2), (CORONAL, 1), (SAGITTAL, 0)], ids=["axial", "coronal", "sagittal"]
)
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, -1, 1), (1, -1, -1)], ids=str)
def test_straight_views_show_the_slice_they_stand_on(view, axis: int, flips) -> None:
    matrix = affine(np.diag(np.multiply((0.7, 0.9, 3.0), flips)))
    for index in (0, 4, SIZE[axis] - 1):
        ijk = np.array([20.0, 15, 6, 1])
        ijk[axis] = index + 0.4
        there = shownSlice(view_at(view, matrix @ ijk), matrix, matrix, SIZE)
        assert (there.axis, there.index, there.count) == (axis, index, SIZE[axis])


@given(angles, st.integers(0, 11))
@settings(max_examples=100, deadline=None)
def test_a_view_turned_with_the_volume_shows_its_slices(turned: tuple[float, float, float], index: int) -> None:
    linear = rotation(turned)
    matrix = affine(linear * (0.7, 0.9, 3.0))
    aligned = np.eye(4)
    aligned[:3, :3] = linear
    there = shownSlice(view_at(aligned, matrix @ (3.0, 4.0, index, 1.0)), matrix, matrix, SIZE)
    assert (there.axis, there.index) == (2, index)


def test_a_parent_transform_moves_the_slices_but_not_the_names_of_planes() -> None:
    matrix = affine(np.diag((1.0, 1.0, 2.0)))
    upright = np.eye(4)
    upright[:3, :3] = rotation((np.pi / 2, 0, 0))
    world = upright @ matrix
    there = shownSlice(view_at(CORONAL, world @ (20.0, 15.0, 4.0, 1.0)), world, matrix, SIZE)
    assert (there.axis, there.index, there.plane) == (2, 4, "axial")


def test_a_view_across_slices_is_refused_with_the_cure() -> None:
    matrix = affine(rotation((0.2, 0, 0)) * (1.0, 1.0, 3.0))
    with pytest.raises(Problem, match="Align view") as caught:
        shownSlice(view_at(AXIAL, matrix @ (20.0, 15.0, 6.0, 1.0)), matrix, matrix, SIZE)
    assert caught.value.code == "oblique_view"


def test_a_tilt_that_stays_within_a_slice_is_none() -> None:
    matrix = affine(rotation((1e-3, 0, 0)) * (1.0, 1.0, 3.0))
    assert shownSlice(view_at(AXIAL, matrix @ (20.0, 15.0, 6.0, 1.0)), matrix, matrix, SIZE).index == 6


@pytest.mark.parametrize("index", [-1, 12, 400])
def test_a_view_beside_the_volume_is_refused(index: int) -> None:
    matrix = affine(np.diag((1.0, 1.0, 2.0)))
    with pytest.raises(Problem, match="Scroll") as caught:
        shownSlice(view_at(AXIAL, matrix @ (20.0, 15.0, index, 1.0)), matrix, matrix, SIZE)
    assert caught.value.code == "outside"
