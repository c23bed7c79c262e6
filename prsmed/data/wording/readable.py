"""Whether the parser reads out of a wording what was put into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prsmed.data.wording.slots import Slot
from prsmed.data.wording.words import capitals, name_words, place_words
from prsmed.position.findings import ZONES, Position
from prsmed.position.parser import Reading, parse

_SINGLE = tuple((Position(zone, near),) for zone in ZONES for near in (True, False) if near or zone != "center")
_TWO = (Position("top left", False), Position("bottom right", False))
_LETTERS = {letter: f"{zone} part" for letter, zone in zip("abcd", ZONES, strict=False)}
_TARGETS = ("polyp", "lungs")


@dataclass(frozen=True)
class Example:
    """A wording filled with one place.

    Attributes:
        text: The sentence.
        zones: The zones that were put in; ``()`` for an answer about nothing.
    """

    text: str
    zones: tuple[str, ...]


def examples(template: str, slot: Slot) -> Iterator[Example]:
    """Fill a wording with every zone, near and far, and with a singular and a plural name."""
    cases: tuple[tuple[Position, ...], ...] = ((),) if slot.tells == "absence" else (*_SINGLE, _TWO)
    for target in _TARGETS:
        for positions in cases:
            words = name_words(target, "on this image") | place_words(positions, target, 0)
            yield Example(template.format(**words, **_rest(positions)), tuple(place.zone for place in positions))


def readings(template: str, slot: Slot) -> tuple[Reading, ...]:
    """What the parser reads out of the :func:`examples` of a wording."""
    return tuple(parse(example.text) for example in examples(template, slot))


def misread(template: str, slot: Slot) -> str | None:
    """Why the parser reads another place than was put in, with the cure; ``None`` when it does not."""
    if slot.tells in ("question", "layout"):
        return None
    for example in examples(template, slot):
        reading = parse(example.text)
        is_silent = slot.tells == "measure" and reading == Reading(count=reading.count)
        if reading.zones != example.zones and not is_silent:
            return f"{example.text!r} is read as {reading.zones or 'no place'}; choose other words around the place"
        if reading.none != (not example.zones):
            return f"{example.text!r} is not read as {'absent' if not example.zones else 'present'}; reword it"
    return None


def _rest(positions: tuple[Position, ...]) -> dict[str, str]:
    """The placeholders that only some lists know."""
    first = positions[0].zone if positions else "center"
    words = {
        "where": f"in the {first}",
        "options": "A) top left; B) top right; C) bottom left; D) center.",
        "count": "two" if len(positions) > 1 else "one",
        "regions": "regions" if len(positions) > 1 else "region",
        "are": "are" if len(positions) > 1 else "is",
        "long": "12.5",
        "area": "88",
        "share": "3.4",
    }
    return capitals(words) | {"letter": "B"} | _LETTERS
