"""Names that can be asked for: those that say no place themselves."""

from __future__ import annotations

import functools

from prsmed.data.record import Record
from prsmed.data.targets import present_names
from prsmed.position.findings import ZONES, Position
from prsmed.position.parser import Reading, parse
from prsmed.position.sentences import write_answer

FALLBACK = "marked region"
"""What a target is called whose own name would be misread."""
_VARIANTS = (0, 5)  # the name before its place, and behind it


def askable_names(record: Record) -> tuple[str, ...]:
    """What the mask may be called, without names that the parser takes for a place, such as ``"central gland"``."""
    return tuple(name for name in present_names(record) if name.strip() and is_readable(name)) or (FALLBACK,)


@functools.lru_cache(maxsize=1024)
def is_readable(name: str) -> bool:
    """Whether the parser reads the right place out of sentences about it, and that it is not there."""
    if not parse(write_answer((), name)).none:
        return False
    places = [Position(zone, near) for zone in ZONES for near in (True, False) if near or zone != "center"]
    for place in places:
        for variant in _VARIANTS:
            reading = parse(write_answer((place,), name, variant=variant))
            # A side of the patient may be named: "left lung".
            if reading != Reading(zones=(place.zone,), near_center=place.near_center, side=reading.side):
                return False
    return True


@functools.lru_cache(maxsize=1024)
def names_a_side(name: str) -> bool:
    """Whether a name tells the side of the patient: ``"left lung"``."""
    return bool(parse(f"The {name} is here.").side)
