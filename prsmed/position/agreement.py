"""Do the words and the mask say the same?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prsmed.position.findings import ZONES, Finding, Position, Zone
from prsmed.position.parser import Reading, parse


@dataclass(frozen=True)
class Agreement:
    """The verdict of comparing an answer's text with its mask.

    Attributes:
        text_zone: Zone(s) read out of the text, ``"none"`` for "not there", ``None`` when it names no place.
            Several zones are joined with `` + `` in the order of :data:`~prsmed.position.findings.ZONES`.
            A text that names only a half or the patient's side gives that: ``"left"``, ``"patient's left"``.
        mask_zone: Zone(s) measured from the mask, ``"none"`` for an empty mask.
        agrees: ``True`` or ``False``; ``None`` when the text names no place, so nothing can be compared.
    """

    text_zone: str | None
    mask_zone: str
    agrees: bool | None


def compare(text: str, places: Sequence[Finding] | Sequence[Position]) -> Agreement:
    """Compare the place a text names with the places measured from a mask.

    The zones must be the same sets; a half must hold all zones of the mask ("left" agrees with "top left").
    The patient's side is compared when it is all the text names and the findings know theirs.
    Nearness and count are not compared.

    Args:
        text: The answer.
        places: Findings or positions of the mask; empty when the mask is.
    """
    reading = parse(text)
    zones = {place.zone for place in places}
    mask_zone = _join(zones) or "none"
    text_zone = _named(reading)
    if text_zone is None:
        return Agreement(None, mask_zone, None)
    if reading.none or not places:
        return Agreement(text_zone, mask_zone, reading.none and not places)
    if reading.zones:
        return Agreement(text_zone, mask_zone, set(reading.zones) == zones)
    if reading.vertical or reading.horizontal:
        half = reading.vertical or reading.horizontal
        return Agreement(text_zone, mask_zone, all(half in zone.split() for zone in zones))
    sides = {place.patient_side for place in places if isinstance(place, Finding)} - {None}
    return Agreement(text_zone, mask_zone, set(reading.side) == sides if sides else None)


def _named(reading: Reading) -> str | None:
    """What a text names, in the words of :attr:`Agreement.text_zone`."""
    if reading.none:
        return "none"
    side = f"patient's {' and '.join(reading.side)}" if reading.side else None
    return _join(reading.zones) or reading.vertical or reading.horizontal or side


def _join(zones: Sequence[Zone] | set[Zone]) -> str:
    return " + ".join(zone for zone in ZONES if zone in zones)
