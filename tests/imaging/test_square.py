"""The letterbox: equal millimetres, centred, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsmed.imaging.square import from_square, to_square

SHAPES = st.tuples(st.integers(1, 90), st.integers(1, 90))
SPACINGS = st.tuples(st.floats(0.3, 5), st.floats(0.3, 5))


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, spacing=SPACINGS)
def test_the_slice_fills_the_square_along_its_longer_side(shape: tuple[int, int], spacing: tuple[float, float]) -> None:
    square, fit = to_square(np.full((*shape, 3), 200, np.uint8), spacing, 64)
    assert square.shape == (64, 64, 3)
    lit = square[..., 0] > 0
    height, width = np.any(lit, axis=1).sum(), np.any(lit, axis=0).sum()
    assert max(height, width) == 64
    height_mm, width_mm = shape[0] * spacing[0], shape[1] * spacing[1]
    assert abs(height - 64 * height_mm / max(height_mm, width_mm)) <= 1
    assert abs(width - 64 * width_mm / max(height_mm, width_mm)) <= 1
    rows, cols = np.nonzero(lit)
    assert abs(rows.min() - (63 - rows.max())) <= 1
    assert abs(cols.min() - (63 - cols.max())) <= 1
    np.testing.assert_array_equal(fit.apply_mask(np.ones(shape, np.uint8)) > 0, lit)


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, spacing=SPACINGS)
def test_a_constant_comes_back_constant(shape: tuple[int, int], spacing: tuple[float, float]) -> None:
    _, fit = to_square(np.zeros((*shape, 3), np.uint8), spacing, 48)
    inside = fit.apply_mask(np.ones(shape, np.uint8)).astype(np.float32) * 0.75
    back = from_square(inside, fit)
    assert back.shape == shape
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, 0.75, atol=1e-6)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 0.8), (0.5, 1.1)])
def test_a_region_keeps_its_place_through_the_square_and_back(spacing: tuple[float, float]) -> None:
    row, col = np.mgrid[:120, :90]
    mask = (((row - 80) * spacing[0]) ** 2 + ((col - 30) * spacing[1]) ** 2 < 12**2).astype(np.uint8)
    picture = np.repeat(mask[:, :, None] * 255, 3, axis=2).astype(np.uint8)
    square, fit = to_square(picture, spacing, 256)
    in_square = fit.apply_mask(mask)
    shown = square[..., 0] > 127
    assert 2 * (shown & (in_square > 0)).sum() / (shown.sum() + in_square.sum()) > 0.97
    height, width = np.any(in_square, axis=1).sum(), np.any(in_square, axis=0).sum()
    assert abs(height - width) <= 4  # a circle in millimetres is a circle in the square
    back = from_square(in_square.astype(np.float32), fit) > 0.5
    assert 2 * (back & (mask > 0)).sum() / (back.sum() + mask.sum()) > 0.97


def test_a_square_of_the_same_size_is_untouched() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    square, fit = to_square(picture, (0.7, 0.7), 64)
    np.testing.assert_array_equal(square, picture)
    mask = picture[..., 0].copy()
    np.testing.assert_array_equal(fit.apply_mask(mask), mask)
    np.testing.assert_array_equal(from_square(mask.astype(np.float32), fit), mask)


def test_wrong_shapes_are_refused() -> None:
    _, fit = to_square(np.zeros((10, 20, 3), np.uint8), (1, 1), 32)
    with pytest.raises(ValueError, match="must be"):
        fit.apply_mask(np.zeros((20, 10), np.uint8))
    with pytest.raises(ValueError, match="must be"):
        from_square(np.zeros((16, 16), np.float32), fit)
