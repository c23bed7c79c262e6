"""Positions as a sentence names them."""

from __future__ import annotations

from prsmed.position.findings import Position
from prsmed.position.parser import parse


def positions_in(text: str) -> tuple[Position, ...]:
    """Every zone a text names, in order; near the centre when it says so, or is the centre."""
    reading = parse(text)
    return tuple(Position(zone, zone == "center" or bool(reading.near_center)) for zone in reading.zones)
