"""A dermoscopy-like photograph: skin, hair, and a dark irregular lesion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from prsmed.imaging.phantom_grid import Field, Grid


def paint_photo(size: int, rng: np.random.Generator, lesion: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Paint a square photograph.

    Returns:
        The picture ``(rows, cols, 3)`` and the lesion's mask ``(rows, cols)``.
    """
    # Millimetres of a grid stand for hundredths of the picture's side; i is the row here.
    grid = Grid.around((0.0, 0.0, 0.0), (size, size, 1), (100 / size, 100 / size, 1.0))
    skin = np.array([rng.uniform(190, 235), rng.uniform(145, 185), rng.uniform(125, 165)], dtype=np.float32)
    tone = 1 + 0.04 * grid.noise(rng, 30.0) + 0.02 * grid.noise(rng, 3.0)
    picture = skin * tone
    mask = np.zeros((size, size), dtype=np.uint8)
    if lesion:
        distance = _lesion(grid, rng)
        mask = (distance[:, :, 0] < 1.0).astype(np.uint8)
        picture = _pigment(grid, picture, distance, rng)
    picture = picture * _lens(grid, rng)
    picture = _hair(picture, rng) + rng.normal(0, rng.uniform(2, 6), picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), mask


def _lesion(grid: Grid, rng: np.random.Generator) -> Field:
    radii = rng.uniform(7, 24) * rng.uniform(0.75, 1.3, 2)
    center = rng.uniform(-1, 1, 2) * np.maximum(42 - 1.2 * radii, 0)
    distance = grid.tube((float(center[0]), float(center[1])), (float(radii[0]), float(radii[1])))
    coarse, fine = rng.uniform(0.04, 0.16), rng.uniform(0.01, 0.05)
    lumps = coarse * grid.noise(rng, 9.0) + fine * grid.noise(rng, 2.5)
    return np.asarray(distance + lumps, dtype=np.float32)


def _pigment(grid: Grid, picture: Field, distance: Field, rng: np.random.Generator) -> Field:
    brown = np.array([rng.uniform(60, 130), rng.uniform(35, 80), rng.uniform(25, 65)], dtype=np.float32)
    texture = 1 + 0.15 * grid.noise(rng, 6.0) + 0.12 * grid.noise(rng, 2.0)
    edge = rng.uniform(0.05, 0.3)
    weight = np.clip((1 - distance) / edge + 0.5, 0, 1) * rng.uniform(0.75, 0.97)
    return picture + weight * (brown * texture - picture)


def _lens(grid: Grid, rng: np.random.Generator) -> Field:
    """Darker towards the edge; often the round dark rim of a dermatoscope."""
    distance = grid.tube((0.0, 0.0), (1.0, 1.0))
    shade = 1 - rng.uniform(0.0, 0.25) * (distance / 70) ** 2
    if rng.random() < 0.5:
        rim = rng.uniform(52, 66)
        shade = shade * np.clip((rim - distance) / 3, 0.05, 1)
    return np.asarray(shade, dtype=np.float32)


def _hair(picture: Field, rng: np.random.Generator) -> Field:
    size = picture.shape[0]
    layer = Image.new("L", (size, size), 0)
    draw = ImageDraw.Draw(layer)
    t = np.linspace(0, 1, 24)[:, None]
    for _ in range(int(rng.integers(0, 14))):
        start, bend, end = rng.uniform(-0.1, 1.1, (3, 2)) * size
        bend = (start + end) / 2 + (bend - size / 2) * 0.4
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
        draw.line([(float(x), float(y)) for x, y in curve], fill=int(rng.integers(90, 220)), width=1)
    strength = np.asarray(layer.filter(ImageFilter.GaussianBlur(0.6)), dtype=np.float32)[:, :, None] / 255
    return picture * (1 - 0.8 * strength)
