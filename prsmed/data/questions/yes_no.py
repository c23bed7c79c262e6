"""Is it in this half or zone? As often truly as not."""

from __future__ import annotations

from collections.abc import Collection

from prsmed.data.questions.scene import Said, Scene
from prsmed.data.schema import Turn
from prsmed.data.wording.words import capitals
from prsmed.position.findings import ZONES, Zone

_HALVES = {"left": "left", "right": "right", "upper": "top", "lower": "bottom"}


def ask_yes_no(scene: Scene) -> tuple[Turn, ...]:
    """Ask whether the target is in a half or a zone of the image.

    Only of places that hold all of its regions or none; halves are not asked of what lies in the center. Nothing is
    asked when no single place holds all of them, so that yes and no stay balanced for every image.
    """
    is_yes, wants_half = bool(scene.rng.integers(2)), bool(scene.rng.integers(2))
    if not scene.is_known:
        return ()
    zones = {place.zone for place in scene.positions}
    yes, no = _places(zones, wants_half)
    if not yes or not no:
        yes, no = _places(zones, not wants_half)
    if not yes or not no:
        return ()
    where = scene.pick(yes if is_yes else no)
    turn = scene.turn(
        scene.phrase("yes_no", "questions"),
        scene.phrase("yes_no", "agree" if is_yes else "disagree"),
        Said(scene.own_name(), scene.positions),
        capitals({"where": where}),
    )
    return (turn,)


def _places(zones: Collection[Zone], halves: bool) -> tuple[list[str], list[str]]:
    """Phrases of the places that hold all of the zones, and of those that hold none."""
    yes, no = [], []
    if halves and "center" in zones:
        return [], []
    for name, held in _named(halves).items():
        if all(zone in held for zone in zones):
            yes.append(f"in the {name}")
        elif not any(zone in held for zone in zones):
            no.append(f"in the {name}")
    return yes, no


def _named(halves: bool) -> dict[str, list[Zone]]:
    """The zones that each half, or each zone, holds."""
    if halves:
        return {f"{half} half": [zone for zone in ZONES if word in zone.split()] for half, word in _HALVES.items()}
    return {zone: [zone] for zone in ZONES}
