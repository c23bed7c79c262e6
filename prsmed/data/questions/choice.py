"""Where is it, with four places to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from prsmed.data.questions.scene import Said, Scene
from prsmed.data.schema import Turn
from prsmed.data.wording.words import capitals
from prsmed.position.findings import ZONES, Position

LETTERS = "ABCD"


def ask_choice(scene: Scene) -> tuple[Turn, ...]:
    """Ask for the one true place of four.

    The options are of one form: zones; zones with nearness, when one region is there; or sets of as many zones as the
    regions lie in. So exactly one is true.
    """
    with_nearness = bool(scene.rng.integers(2))
    if not scene.is_known:
        return ()
    right, all_options = _options(scene.positions, with_nearness)
    others = [option for option in all_options if option != right]
    if len(others) < len(LETTERS) - 1:
        return ()
    chosen = [others[index] for index in scene.rng.permutation(len(others))[: len(LETTERS) - 1]]
    at = int(scene.rng.integers(len(LETTERS)))
    chosen.insert(at, right)
    options = tuple(chosen)
    layout = scene.phrase("choice", "layouts").text.format(**dict(zip("abcd", options, strict=True)))
    turn = scene.turn(
        scene.phrase("choice", "questions"),
        scene.phrase("choice", "answers"),
        Said(scene.own_name(), scene.positions),
        capitals({"options": layout}) | {"letter": LETTERS[at]},
        options=options,
        letter=LETTERS[at],
    )
    return (turn,)


def _options(positions: Sequence[Position], with_nearness: bool) -> tuple[str, list[str]]:
    """The true option, and all options of its form."""
    if len(positions) == 1 and with_nearness:
        places = [Position(zone, near) for zone in ZONES for near in (True, False) if near or zone != "center"]
        return _near(positions[0]), [_near(place) for place in places]
    zones = {place.zone for place in positions}
    sets = [" and ".join(some) for some in combinations(ZONES, len(zones))]
    return " and ".join(zone for zone in ZONES if zone in zones), sets


def _near(place: Position) -> str:
    if place.zone == "center":
        return "center"
    return f"{place.zone}, {'close to' if place.near_center else 'far from'} the center"
