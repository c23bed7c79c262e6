"""Where something is said to be, in a form two sources can be compared in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prsmed.data import MOST_REGIONS, RADIUS
from prsmed.position.findings import ZONES, Position, Zone
from prsmed.position.parser import Reading
from prsmed.position.zones import Rule, locate_all


@dataclass(frozen=True)
class Place:
    """The zones of a target.

    Attributes:
        zones: Each once, in the order of :data:`~prsmed.position.findings.ZONES`; ``()`` for "nowhere".
        near: Whether it is near the image centre; ``None`` when not said, or when there are several regions, of
            which an answer does not say it.
    """

    zones: tuple[Zone, ...] = ()
    near: bool | None = None

    @classmethod
    def of_positions(cls, positions: Sequence[Position]) -> Place:
        """The place of measured regions."""
        near = positions[0].near_center if len(positions) == 1 else None
        return cls(_ordered([position.zone for position in positions]), near)

    @classmethod
    def of_reading(cls, reading: Reading) -> Place:
        """The place a text names; a half ("on the left") is no zone."""
        return cls(_ordered(reading.zones), reading.near_center)

    def has_zones_of(self, true: Place) -> bool:
        """Whether the zones are the true ones, as sets."""
        return self.zones == true.zones

    def fits(self, true: Place) -> bool:
        """Whether the zones are the true ones, and the nearness too where the truth says it."""
        return self.has_zones_of(true) and (true.near is None or self.near == true.near)

    def __str__(self) -> str:
        near = {True: ", near", False: ", far", None: ""}[self.near if self.zones != ("center",) else None]
        return (" + ".join(self.zones) or "nowhere") + near


def measured(mask: NDArray[np.bool_], rule: Rule = "box") -> tuple[Position, ...]:
    """Positions of a mask ``(S, S)``, unless told otherwise by the rule the true answers were written with."""
    return locate_all(mask, rule, RADIUS)[:MOST_REGIONS]


def _ordered(zones: Sequence[Zone]) -> tuple[Zone, ...]:
    return tuple(zone for zone in ZONES if zone in zones)
