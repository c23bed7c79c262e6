"""Zones by both published rules, against an independent reading of their description, and in the mirror."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prsmed.errors import PRSMedError
from prsmed.position.findings import Position
from prsmed.position.zones import locate, locate_all, locate_area, locate_box, regions

MIRRORED = {
    "left-right": {"top left": "top right", "bottom left": "bottom right"},
    "up-down": {"top left": "bottom left", "top right": "bottom right"},
}


def swapped(zone: str, mirror: str) -> str:
    pairs = MIRRORED[mirror]
    return (pairs | {b: a for a, b in pairs.items()}).get(zone, zone)


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """A mask with one or two rectangles in it, so that boxes of all sizes and places come up."""
    rows, cols = draw(st.integers(4, 24)), draw(st.integers(4, 24))
    mask = np.zeros((rows, cols), np.uint8)
    for _ in range(draw(st.integers(1, 2))):
        top, left = draw(st.integers(0, rows - 1)), draw(st.integers(0, cols - 1))
        height, width = draw(st.integers(1, rows)), draw(st.integers(1, cols))
        mask[top : top + height, left : left + width] = draw(st.integers(1, 255))
    return mask


def box_rule(mask: np.ndarray, radius: float) -> tuple[str, bool]:
    """The released code's rule, pixel by pixel, as the paper's code has it (mask_position.py)."""
    height, width = mask.shape
    on = [(y, x) for y in range(height) for x in range(width) if mask[y, x] > 0]
    x_min, x_max = min(x for _, x in on), max(x for _, x in on)
    y_min, y_max = min(y for y, _ in on), max(y for y, _ in on)
    if x_min <= width // 2 <= x_max and y_min <= height // 2 <= y_max:
        return "center", True
    x, y = (x_min + x_max) / 2, (y_min + y_max) / 2
    name = ("top" if y < height // 2 else "bottom") + " " + ("left" if x < width // 2 else "right")
    return name, math.dist((x, y), (width // 2, height // 2)) < radius * width


@given(masks(), st.sampled_from([0.1, 0.2, 0.35]))
def test_box_rule_is_the_released_codes(mask: np.ndarray, radius: float) -> None:
    position = locate_box(mask, radius)
    assert (position.zone, position.near_center) == box_rule(mask, radius)


@given(masks(), st.sampled_from([0.1, 0.2, 0.35]))
def test_area_rule_names_the_fullest_quadrant(mask: np.ndarray, radius: float) -> None:
    height, width = mask.shape
    areas = dict.fromkeys(["top left", "top right", "bottom left", "bottom right"], 0.0)
    points = [(y, x) for y in range(height) for x in range(width) if mask[y, x] > 0]
    for y, x in points:
        for vertical in {y < height / 2 - 0.5, y <= height / 2 - 0.5}:  # both on the middle line
            for horizontal in {x < width / 2 - 0.5, x <= width / 2 - 0.5}:
                share = (0.5 if 2 * y == height - 1 else 1) * (0.5 if 2 * x == width - 1 else 1)
                areas[("top " if vertical else "bottom ") + ("left" if horizontal else "right")] += share
    position = locate_area(mask, radius)
    assert areas[position.zone] == max(areas.values())
    centroid = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    distance = math.dist(centroid, ((height - 1) / 2, (width - 1) / 2))
    assume(abs(distance - radius * width) > 1e-9)
    assert position.near_center == (distance <= radius * width)


@given(masks(), st.sampled_from(["left-right", "up-down"]))
def test_box_rule_in_the_mirror(mask: np.ndarray, mirror: str) -> None:
    axis = 1 if mirror == "left-right" else 0
    size, on = mask.shape[axis], np.flatnonzero(mask.any(axis=1 - axis))
    assume(on[0] + on[-1] != 2 * (size // 2))  # not centred on the middle line
    if size % 2 == 0:
        middle = {size // 2 - 1, size // 2}
        assume(on[0] + on[-1] != size - 1 and len(middle & set(range(on[0], on[-1] + 1))) != 1)
    center = [(np.flatnonzero(mask.any(axis=1 - a))[[0, -1]]).mean() - mask.shape[a] // 2 for a in (0, 1)]
    assume(abs(np.hypot(*center) - 0.2 * mask.shape[1]) > 1.0)
    before, after = locate_box(mask), locate_box(np.flip(mask, axis))
    assert after == Position(swapped(before.zone, mirror), before.near_center)  # type: ignore[arg-type]


@given(masks(), st.sampled_from(["left-right", "up-down"]))
def test_area_rule_in_the_mirror(mask: np.ndarray, mirror: str) -> None:
    flipped = np.flip(mask, 1 if mirror == "left-right" else 0)
    before, after = locate_area(mask), locate_area(flipped)
    halves = [np.array([[1.0, 0.0], [0.0, 1.0]])[[0] * (n // 2) + [1] * (n - n // 2)] for n in mask.shape]
    for half, n in zip(halves, mask.shape, strict=True):
        half[n // 2] = half[n // 2] if n % 2 == 0 else [0.5, 0.5]
    areas = np.sort((halves[0].T @ (mask > 0) @ halves[1]).ravel())
    assume(areas[-1] - areas[-2] > 1e-9)
    assert after.zone == swapped(before.zone, mirror)
    centroid = np.argwhere(mask).mean(axis=0) - (np.array(mask.shape) - 1) / 2
    assume(abs(np.hypot(*centroid) - 0.2 * mask.shape[1]) > 1e-9)
    assert after.near_center == before.near_center


def test_the_rules_differ_where_the_papers_versions_do() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[10:40, 10:40] = 1  # most of the area
    mask[60, 60] = 1  # a speck that stretches the box over the centre
    assert locate(mask, "box").zone == "center"
    assert locate(mask, "area").zone == "top left"


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_regions_are_a_partition_largest_first(mask: np.ndarray) -> None:
    parts = regions(mask, min_share=0.0, limit=144)
    assert (sum((part.astype(int) for part in parts), np.zeros(mask.shape, int)) == mask).all()
    sizes = [int(part.sum()) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    for part in parts:  # no pixel of another region touches one, not even at a corner
        others = mask & ~part
        for y, x in np.argwhere(part):
            assert not others[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].any()


def test_regions_drop_specks_and_stop_at_the_limit() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[2:12, 2:12] = 255
    mask[40:50, 40:44] = 255
    mask[30, 30] = 255
    assert [int(part.sum()) for part in regions(mask)] == [100, 40]
    checkers = np.zeros((20, 20), bool)
    checkers[::2, ::2] = True
    assert len(regions(checkers)) == 8


def test_regions_of_a_volume_connect_across_slices() -> None:
    mask = np.zeros((4, 4, 4), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[3, 3, 3] = True
    assert [int(part.sum()) for part in regions(mask)] == [2, 1]


def test_locate_all() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[5:15, 5:15] = 1
    mask[60:90, 60:90] = 1
    assert locate_all(mask) == (Position("bottom right", False), Position("top left", False))
    assert locate_all(np.zeros((8, 8))) == ()


@pytest.mark.parametrize("rule", ["box", "area"])
def test_an_empty_mask_has_no_position(rule: str) -> None:
    with pytest.raises(PRSMedError, match="no pixel above 0") as error:
        locate(np.zeros((8, 8)), rule)  # type: ignore[arg-type]
    assert error.value.code == "empty_mask"
    with pytest.raises(PRSMedError, match=r"\(rows, cols\)"):
        locate(np.ones((8, 8, 8)), rule)  # type: ignore[arg-type]
