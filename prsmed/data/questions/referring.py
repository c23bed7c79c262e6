"""The one in the bottom right, of several."""

from __future__ import annotations

from collections import Counter

from prsmed.data.questions.scene import Said, Scene
from prsmed.data.schema import Turn
from prsmed.data.wording.words import capitals, one_of


def ask_referring(scene: Scene) -> tuple[Turn, ...]:
    """Ask for one region by its zone, when another lies in another zone and no other in the same."""
    index = refer(scene)
    if index is None:
        return ()
    name, place = one_of(scene.own_name()), scene.positions[index]
    turn = scene.turn(
        scene.phrase("referring", "questions"),
        scene.phrase("referring", "answers"),
        Said(name, (place,), (index,)),
        capitals({"where": f"in the {place.zone}"}),
    )
    return (turn,)


def refer(scene: Scene) -> int | None:
    """Draw a region that its zone alone tells from the others; ``None`` when there is none."""
    if not scene.is_known:
        return None
    counts = Counter(place.zone for place in scene.positions)
    alone = [index for index, place in enumerate(scene.positions) if counts[place.zone] == 1]
    return scene.pick(alone) if len(counts) > 1 and alone else None
