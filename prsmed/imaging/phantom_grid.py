"""What the phantoms are painted on and with: a grid in millimetres, smooth noise, lumpy shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """Voxel centres in millimetres towards the patient's left, back and head; broadcastable to ``(I, J, K)``.

    ``i`` runs to the left, ``j`` to the back, ``k`` to the head: the order in which an axial slice is shown.
    """

    x: Field
    y: Field
    z: Field

    @staticmethod
    def around(
        center: tuple[float, float, float], shape: tuple[int, int, int], spacing: tuple[float, float, float]
    ) -> Grid:
        """A grid of ``shape`` with its middle at ``center``."""
        x, y, z = (
            middle + (np.arange(n) - (n - 1) / 2) * step for middle, n, step in zip(center, shape, spacing, strict=True)
        )
        return Grid(
            x.astype(np.float32)[:, None, None],
            y.astype(np.float32)[None, :, None],
            z.astype(np.float32)[None, None, :],
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxel counts ``(I, J, K)``."""
        return self.x.size, self.y.size, self.z.size

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel index to RAS millimetres."""
        affine = np.eye(4)
        for axis, (positions, sign) in enumerate(((self.x, -1.0), (self.y, -1.0), (self.z, 1.0))):
            line = positions.ravel().astype(np.float64)
            affine[axis, axis] = sign * (line[1] - line[0] if line.size > 1 else 1.0)
            affine[axis, 3] = sign * line[0]
        return affine

    def ellipsoid(self, center: tuple[float, float, float], radii: tuple[float, float, float]) -> Field:
        """Distance from ``center`` in units of ``radii``: 1 on the surface, less inside."""
        squares = [
            ((line - middle) / radius) ** 2
            for line, middle, radius in zip((self.x, self.y, self.z), center, radii, strict=True)
        ]
        return np.asarray(np.sqrt(squares[0] + squares[1] + squares[2]), dtype=np.float32)

    def tube(self, center: tuple[float, float], radii: tuple[float, float]) -> Field:
        """Like :meth:`ellipsoid`, endless from foot to head."""
        return self.ellipsoid((*center, 0.0), (*radii, np.inf))

    def noise(self, rng: np.random.Generator, scale_mm: float) -> Field:
        """Smooth noise, about unit variance, with features of about ``scale_mm``."""
        field = rng.standard_normal([_cells(line, scale_mm) for line in (self.x, self.y, self.z)])
        # One small matrix product an axis: much faster than resampling the grid as a whole.
        for n in self.shape:
            field = np.tensordot(field, _upsampling(n, field.shape[0]), axes=(0, 1))
        return field.astype(np.float32)


def _cells(line: Field, scale_mm: float) -> int:
    return int(np.ceil(float(np.ptp(line)) / scale_mm)) + 2


@lru_cache(maxsize=256)
def _upsampling(count: int, cells: int) -> NDArray[np.float64]:
    """``(count, cells)`` matrix that interpolates ``cells`` values to ``count``, cubic."""
    columns = [zoom(unit, count / cells, order=3, mode="nearest") for unit in np.eye(cells)]
    return np.stack(columns, axis=1)


def lump(
    grid: Grid,
    center: tuple[float, float, float],
    radii: tuple[float, float, float],
    rng: np.random.Generator,
    roughness: float,
) -> Field:
    """An ellipsoid with an irregular surface: 1 on it, less inside, more outside."""
    distance = grid.ellipsoid(center, radii)
    return distance + roughness * grid.noise(rng, 0.7 * min(radii))


def blend(values: Field, distance: Field, target: Field | float, softness: float = 0.04) -> Field:
    """Paint ``target`` where ``distance`` is below 1, with a soft edge like that of a real scanner."""
    weight = np.clip((1.0 - distance) / (2 * softness) + 0.5, 0.0, 1.0)
    return np.asarray(values + weight * (target - values), dtype=np.float32)
