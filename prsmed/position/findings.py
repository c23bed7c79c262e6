"""What is known about a lesion's place and size, and the words a zone may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Zone = Literal["top left", "top right", "bottom left", "bottom right", "center"]
Side = Literal["left", "right"]
ZONES: tuple[Zone, ...] = ("top left", "top right", "bottom left", "bottom right", "center")


@dataclass(frozen=True)
class Position:
    """Where one region is, in image terms.

    Attributes:
        zone: One of :data:`ZONES`, on the displayed image.
        near_center: Whether the region is close to the image centre (always ``True`` for ``"center"``).
    """

    zone: Zone
    near_center: bool


@dataclass(frozen=True)
class Finding:
    """One connected region of a mask, measured.

    Attributes:
        label: Its value in the label map, from 1.
        name: What it is, e.g. ``"tumour"``.
        zone: Image-space zone on the displayed slice.
        near_center: Whether it is close to the image centre.
        patient_side: The patient's own left or right of the image's midline; ``None`` without patient space
            or in a field of view too narrow for a head.
        centroid_ras_mm: Centroid in RAS millimetres; ``None`` without patient space.
        centroid_ijk: Centroid in voxel indices of the volume.
        longest_diameter_mm: Largest distance in the slice between two points of the region.
        area_mm2: Area in the slice (for a volume: of the slice with the most).
        volume_mm3: Volume; ``None`` for a single slice.
        confidence: Mean mask probability over the region, 0..1.
    """

    label: int
    name: str
    zone: Zone
    near_center: bool
    patient_side: Side | None
    centroid_ras_mm: tuple[float, float, float] | None
    centroid_ijk: tuple[float, float, float]
    longest_diameter_mm: float
    area_mm2: float
    volume_mm3: float | None
    confidence: float

    @property
    def position(self) -> Position:
        """Its zone and nearness as a :class:`Position`."""
        return Position(self.zone, self.near_center)
