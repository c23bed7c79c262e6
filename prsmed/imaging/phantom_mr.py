"""A head as T1-weighted MR after contrast, with an enhancing tumour in the brain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prsmed.imaging.phantom_grid import Field, Grid, blend, lump


def paint_mr(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], rng: np.random.Generator, lesion: bool
) -> tuple[Grid, Field, NDArray[np.uint8]]:
    """Paint a head; a single slice (``K == 1``) is laid through the place of the tumour.

    Returns:
        The grid, intensities ``(I, J, K)`` from 0 to about 1200, and the tumour's mask.
    """
    radii = (rng.uniform(62, 72), rng.uniform(78, 90), rng.uniform(78, 88))
    radius = rng.uniform(8.0, 24.0)
    center = _tumour_center(rng, radii, radius)
    # Nobody lies exactly in the middle of the scanner.
    x, y = rng.uniform(-10, 10, 2)
    z = center[2] + rng.uniform(-0.4, 0.4) * radius if shape[2] == 1 else 0.0
    grid = Grid.around((float(x), float(y), z), shape, spacing)
    values = _head(grid, rng, radii)
    mask = np.zeros(shape, dtype=np.uint8)
    if lesion:
        values, mask = _tumour(grid, values, rng, center, radius)
    bias = np.exp(0.08 * grid.noise(rng, 110.0))
    noise = rng.normal(0, rng.uniform(0.01, 0.03), (2, *shape)).astype(np.float32)
    magnitude = np.hypot(values * bias + noise[0], noise[1])
    return grid, (magnitude * rng.uniform(900, 1200)).astype(np.float32), mask


def _tumour_center(
    rng: np.random.Generator, radii: tuple[float, float, float], radius: float
) -> tuple[float, float, float]:
    angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0.0, 1.0))
    x = np.cos(angle) * reach * max(0.86 * radii[0] - 1.2 * radius, 0)
    y = np.sin(angle) * reach * max(0.86 * radii[1] - 1.2 * radius, 0)
    return float(x), float(y), float(rng.uniform(-15, 35))


def _head(grid: Grid, rng: np.random.Generator, radii: tuple[float, float, float]) -> Field:
    inner = grid.ellipsoid((0.0, 0.0, -10.0), radii) + 0.012 * grid.noise(rng, 40.0)
    values = np.zeros(grid.shape, dtype=np.float32)
    values = blend(values, inner / rng.uniform(1.17, 1.24), rng.uniform(0.55, 0.9), softness=0.02)
    values = blend(values, inner / 1.11, 0.08, softness=0.02)
    values = blend(values, inner / 1.03, 0.22, softness=0.02)
    folds = np.clip(0.5 + 1.6 * np.sin(3 * grid.noise(rng, 16.0)) * np.clip(2.2 * inner - 0.9, 0, 1), 0, 1)
    matter = 0.6 - 0.17 * folds + 0.015 * grid.noise(rng, 5.0)
    values = blend(values, inner + 0.03 * np.clip(grid.noise(rng, 9.0), 0, 2), matter, softness=0.02)
    is_falx = (np.abs(grid.x) < 1.2) & (np.abs(inner - 0.8) < 0.2)
    values = np.where(is_falx, np.float32(0.3), values)
    values = _ventricles(grid, values, rng)
    # The sagittal sinus: a bright cord in the midline, along the inside of the skull at the back.
    is_back = grid.y > 0
    sinus = np.hypot(grid.x / 5.0, (inner - 1.0) / 0.06)
    return np.where(is_back, blend(values, sinus, 0.95, softness=0.2), values)


def _ventricles(grid: Grid, values: Field, rng: np.random.Generator) -> Field:
    width, length = rng.uniform(4.5, 8.5), rng.uniform(22, 32)
    for side in (-1.0, 1.0):
        bend = (np.abs(grid.y) / length) ** 2 * rng.uniform(6, 10)
        horn = Grid(grid.x - side * (8.0 + bend), grid.y, grid.z)
        values = blend(values, horn.ellipsoid((0.0, 0.0, 8.0), (width, length, 22.0)), 0.16, softness=0.08)
    return values


def _tumour(
    grid: Grid, values: Field, rng: np.random.Generator, center: tuple[float, float, float], radius: float
) -> tuple[Field, NDArray[np.uint8]]:
    """A solid or ring-enhancing mass in dark oedema; the mask is the mass with its core, not the oedema."""
    stretch = rng.uniform(0.8, 1.25, 3) * radius
    distance = lump(grid, center, (stretch[0], stretch[1], stretch[2]), rng, rng.uniform(0.03, 0.12))
    is_brain = values > 0.35
    oedema = blend(values, distance / rng.uniform(1.15, 1.6), 0.36, softness=0.15)
    values = np.where(is_brain, oedema, values)
    values = blend(values, distance, rng.uniform(0.85, 1.05) + 0.05 * grid.noise(rng, 6.0), softness=0.08)
    if rng.random() < 0.5:
        values = blend(values, distance / rng.uniform(0.5, 0.75), rng.uniform(0.2, 0.4), softness=0.08)
    return values, (distance < 1.0).astype(np.uint8)
