"""A chest in Hounsfield units with a nodule in one lung."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prsmed.imaging.phantom_grid import Field, Grid, blend, lump


def paint_ct(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], rng: np.random.Generator, lesion: bool
) -> tuple[Grid, Field, NDArray[np.uint8]]:
    """Paint a chest; a single slice (``K == 1``) is laid through the place of the nodule.

    Returns:
        The grid, Hounsfield units ``(I, J, K)`` and the nodule's mask.
    """
    size = rng.uniform(0.88, 1.08)
    side = 1.0 if rng.random() < 0.5 else -1.0
    radius = rng.uniform(7.0, 20.0)
    center, lung_radii = _nodule_center(rng, size, side, radius)
    # Nobody lies exactly in the middle of the scanner.
    x, y = rng.uniform(-25, 25, 2)
    z = center[2] + rng.uniform(-0.4, 0.4) * radius if shape[2] == 1 else 0.0
    grid = Grid.around((float(x), float(y), z), shape, spacing)
    values = _body(grid, rng, size)
    values = _lungs(grid, values, rng, size, lung_radii)
    values = _bones(grid, values, rng, size)
    mask = np.zeros(shape, dtype=np.uint8)
    if lesion:
        stretch = rng.uniform(0.8, 1.25, 3) * radius
        distance = lump(grid, center, (stretch[0], stretch[1], stretch[2]), rng, rng.uniform(0.02, 0.14))
        values = blend(values, distance, rng.uniform(0.0, 90.0), softness=0.08)
        mask = (distance < 1.0).astype(np.uint8)
    values = values + rng.normal(0, rng.uniform(8, 25), shape).astype(np.float32)
    return grid, np.clip(values, -1024, 3000).astype(np.float32), mask


def _nodule_center(
    rng: np.random.Generator, size: float, side: float, radius: float
) -> tuple[tuple[float, float, float], tuple[float, float]]:
    """A place well inside one lung, and the lungs' half axes at mid-height."""
    lung_radii = (rng.uniform(48, 56) * size, rng.uniform(68, 80) * size)
    angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0.0, 1.0))
    x = side * _LUNG_X * size + np.cos(angle) * reach * max(lung_radii[0] - 1.2 * radius, 0)
    y = _LUNG_Y + np.sin(angle) * reach * max(lung_radii[1] - 1.2 * radius, 0)
    return (float(x), float(y), float(rng.uniform(-35, 35))), lung_radii


_LUNG_X = 74.0
_LUNG_Y = -4.0


def _body(grid: Grid, rng: np.random.Generator, size: float) -> Field:
    values = np.full(grid.shape, -1000.0, dtype=np.float32)
    outline = grid.tube((0.0, 0.0), (165 * size, 116 * size)) + 0.01 * grid.noise(rng, 90.0)
    values = blend(values, outline, -100 + 8 * grid.noise(rng, 25.0), softness=0.01)
    fat = rng.uniform(0.05, 0.14)
    values = blend(values, outline / (1 - fat), 45 + 8 * grid.noise(rng, 12.0), softness=0.02)
    table_y = 116 * size + rng.uniform(8, 16)
    on_table = (np.abs(grid.y - table_y - (grid.x / 60) ** 2 * -2) < 3) & (np.abs(grid.x) < 170)
    return np.where(on_table, np.float32(-350), values)


def _lungs(grid: Grid, values: Field, rng: np.random.Generator, size: float, radii: tuple[float, float]) -> Field:
    height = rng.uniform(120, 150)
    air = -860 + 25 * grid.noise(rng, 18.0) + rng.uniform(-30, 40)
    branches = np.hypot(grid.noise(rng, 14.0), grid.noise(rng, 14.0)) / rng.uniform(0.16, 0.26)
    air = blend(air, branches, -60.0, softness=0.5)
    for side in (-1.0, 1.0):
        distance = grid.ellipsoid((side * _LUNG_X * size, _LUNG_Y, -20.0), (radii[0] * 1.06, radii[1] * 1.06, height))
        values = blend(values, distance + 0.02 * grid.noise(rng, 30.0), air, softness=0.02)
    heart = (rng.uniform(8, 22) * size, rng.uniform(-38, -24) * size, rng.uniform(-70, -35))
    values = blend(values, lump(grid, heart, (46 * size, 36 * size, 52), rng, 0.03), rng.uniform(40, 150))
    aorta = (rng.uniform(14, 20) * size, rng.uniform(36, 44) * size)
    values = blend(values, grid.tube(aorta, (12, 12)), rng.uniform(40, 160))
    return blend(values, grid.tube((0.0, rng.uniform(-6, 4)), (9, 8)), np.where(grid.z > 0, -990.0, 40.0))


def _bones(grid: Grid, values: Field, rng: np.random.Generator, size: float) -> Field:
    bone = rng.uniform(250, 500)
    spine_y = 66 * size
    values = blend(values, grid.tube((0.0, spine_y), (19 * size, 16 * size)), bone + 60 * grid.noise(rng, 6.0))
    values = blend(values, grid.tube((0.0, spine_y + 24 * size), (26 * size, 7 * size)), bone)
    values = blend(values, grid.tube((0.0, spine_y + 22 * size), (8 * size, 7 * size)), 30.0)
    values = blend(values, grid.tube((0.0, -88 * size), (16 * size, 5 * size)), bone)
    ring = grid.tube((0.0, 0.0), (143 * size, 97 * size))
    angle = np.arctan2(grid.y / 97, np.abs(grid.x) / 143)
    # Ribs slant, so a slice meets each of them as a short piece of the ring.
    phase = 9 * angle + grid.z / 9 + rng.uniform(0, 2 * np.pi)
    is_rib = (np.abs(ring - 1) < 0.035) & (np.sin(phase) > 0.25)
    return np.where(is_rib, np.float32(bone), values)
