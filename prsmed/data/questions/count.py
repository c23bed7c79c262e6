"""How many are there?"""

from __future__ import annotations

from prsmed.data.questions.scene import Said, Scene
from prsmed.data.schema import Turn
from prsmed.data.wording.words import capitals

_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven")


def ask_count(scene: Scene) -> tuple[Turn, ...]:
    """Ask for the number of regions, specks left out (:func:`prsmed.position.zones.regions`); none is a number too."""
    asked, name = scene.phrase("count", "questions"), scene.own_name()
    if not scene.positions:
        return (scene.turn(asked, scene.phrase("count", "none"), Said(name, ())),)
    if not scene.is_known:
        return ()
    several = len(scene.positions) > 1
    words = {
        "count": _NUMBERS[len(scene.positions) - 1],
        "regions": "regions" if several else "region",
        "are": "are" if several else "is",
    }
    said = Said(name, scene.positions)
    return (scene.turn(asked, scene.phrase("count", "answers"), said, capitals(words)),)
