"""Findings of a mask: place in the image and in the patient, sizes in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import center_of_mass
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from prsmed.imaging.plane import ImageSlice, Plane, extract, slice_voxel
from prsmed.imaging.volume import Volume
from prsmed.position.findings import Finding, Side
from prsmed.position.zones import Rule, locate, regions

# Nearer to the midline than this, a centroid is on neither side.
_MIDLINE_MM = 1e-3
# A head or trunk is wider than this: a narrower volume was cut around something, and its middle is not the patient's.
_NARROWEST_MM = 100.0


@dataclass(frozen=True)
class Naming:
    """What a mask shows and how its place is told.

    Attributes:
        name: What it is, e.g. ``"tumour"``.
        label: Its value in the label map.
        rule: Which published position rule (:func:`~prsmed.position.zones.locate`).
        radius: Share of the image width that still counts as near the centre.
    """

    name: str
    label: int = 1
    rule: Rule = "box"
    radius: float = 0.2


def measure(
    mask: NDArray[Any], probability: NDArray[np.floating[Any]], image_slice: ImageSlice, naming: Naming
) -> tuple[Finding, ...]:
    """Measure each connected region of a mask on a slice.

    Args:
        mask: ``(rows, cols)`` as displayed; every pixel above 0 counts.
        probability: ``(rows, cols)`` mask probabilities 0..1.
        image_slice: The slice it was drawn on.
        naming: Name, label and position rule.

    Returns:
        One finding a region, largest first, specks dropped (:func:`~prsmed.position.zones.regions`);
        ``()`` for an empty mask. ``volume_mm3`` is ``None``.
    """
    _check_shapes(mask, probability, image_slice.shape)
    return tuple(_measure_region(region, probability, image_slice, naming) for region in regions(mask))


def measure_volume(
    mask: NDArray[Any], probability: NDArray[np.floating[Any]], volume: Volume, plane: Plane, naming: Naming
) -> tuple[Finding, ...]:
    """Measure each region of a mask that is connected in three dimensions.

    Zone, diameter and area are those of the slice on which the region is largest; centroid, side, volume and
    confidence those of the whole region.

    Args:
        mask: ``(I, J, K)`` on the volume's grid; every voxel above 0 counts.
        probability: ``(I, J, K)`` mask probabilities 0..1.
        volume: The image, for its geometry.
        plane: The plane of the slices.
        naming: Name, label and position rule.

    Returns:
        One finding a region, largest first, specks dropped; ``()`` for an empty mask.
    """
    _check_shapes(mask, probability, volume.shape)
    voxel_mm3 = abs(float(np.linalg.det(volume.affine[:3, :3])))
    findings = []
    for region in regions(mask):
        image_slice = _largest_slice(region, volume, plane)
        in_slice = image_slice.pixels.astype(np.bool_)
        ijk = _point(center_of_mass(region))
        ras = volume.affine @ (*ijk, 1.0)
        findings.append(
            replace(
                _measure_region(in_slice, in_slice.astype(np.float32), image_slice, naming),
                patient_side=_patient_side(float(ras[0]), image_slice),
                centroid_ras_mm=_point(ras) if volume.has_patient_space else None,
                centroid_ijk=ijk,
                volume_mm3=int(region.sum()) * voxel_mm3,
                confidence=float(probability[region].mean()),
            )
        )
    return tuple(findings)


def longest_diameter(region: NDArray[np.bool_], affine: NDArray[np.float64]) -> float:
    """Largest distance in mm between two points of a region, from pixel edge to pixel edge.

    Pixels are parallelograms, not points: a single pixel is as long as its diagonal.

    Args:
        region: ``(rows, cols)`` with at least one pixel on.
        affine: ``(4, 4)``, ``(row, col, 0, 1)`` to millimetres.
    """
    rows = np.flatnonzero(region.any(axis=1))
    first = region[rows].argmax(axis=1)
    last = region.shape[1] - 1 - region[rows, ::-1].argmax(axis=1)
    # The ends of each row hold the convex hull; both are taken with their upper and lower pixel corners.
    ends = [(rows + down, cols) for down in (-0.5, 0.5) for cols in (first - 0.5, last + 0.5)]
    corners = np.concatenate([np.stack(end, axis=1) for end in ends])
    hull = corners[ConvexHull(corners).vertices]
    return float(pdist(hull @ affine[:3, :2].T).max())


def _measure_region(
    region: NDArray[np.bool_], probability: NDArray[np.floating[Any]], image_slice: ImageSlice, naming: Naming
) -> Finding:
    row, col = center_of_mass(region)
    ras = image_slice.affine @ (row, col, 0.0, 1.0)
    position = locate(region, naming.rule, naming.radius)
    pixel_mm2 = float(np.linalg.norm(np.cross(image_slice.affine[:3, 0], image_slice.affine[:3, 1])))
    return Finding(
        label=naming.label,
        name=naming.name,
        zone=position.zone,
        near_center=position.near_center,
        patient_side=_patient_side(float(ras[0]), image_slice),
        centroid_ras_mm=_point(ras) if image_slice.has_patient_space else None,
        centroid_ijk=slice_voxel(image_slice, float(row), float(col)),
        longest_diameter_mm=longest_diameter(region, image_slice.affine),
        area_mm2=int(region.sum()) * pixel_mm2,
        volume_mm3=None,
        confidence=float(probability[region].mean()),
    )


def _patient_side(x_mm: float, image_slice: ImageSlice) -> Side | None:
    """The patient's side of an RAS x, seen from the middle of the field of view; RAS x grows to the right.

    A sagittal slice lies on one side as a whole, so there the volume's middle counts; a lone one has no side, and
    neither has a field of view too narrow for a head.
    """
    is_sagittal = image_slice.plane == "sagittal"
    rows, cols = image_slice.shape
    count = image_slice.volume_shape[image_slice.axes[2]]
    width_mm = float(np.abs(image_slice.affine[0, :3]) @ (rows, cols, count))
    if not image_slice.has_patient_space or (is_sagittal and count == 1) or width_mm < _NARROWEST_MM:
        return None
    steps = (count - 1) / 2 - image_slice.index if is_sagittal else 0.0
    midline_mm = float((image_slice.affine @ ((rows - 1) / 2, (cols - 1) / 2, steps, 1.0))[0])
    if abs(x_mm - midline_mm) < _MIDLINE_MM:
        return None
    return "right" if x_mm > midline_mm else "left"


def _largest_slice(region: NDArray[np.bool_], volume: Volume, plane: Plane) -> ImageSlice:
    """The slice with most of a region, whose pixels are the region's."""
    as_volume = replace(volume, voxels=region.astype(np.uint8), window=(0.5, 1.0))
    normal = extract(as_volume, plane, 0).axes[2]
    areas = region.sum(axis=tuple(axis for axis in range(3) if axis != normal))
    return extract(as_volume, plane, int(areas.argmax()))


def _point(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values[:3])
    return x, y, z


def _check_shapes(mask: NDArray[Any], probability: NDArray[Any], shape: tuple[int, ...]) -> None:
    if mask.shape != shape or probability.shape != shape:
        raise ValueError(f"mask {mask.shape} and probability {probability.shape} must both have shape {shape}")
