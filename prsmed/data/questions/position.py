"""Where is it, of what is there and of what is not."""

from __future__ import annotations

from prsmed.data.questions.scene import Said, Scene
from prsmed.data.schema import Turn


def ask_position(scene: Scene) -> tuple[Turn, ...]:
    """Ask where the target is (PRS-Med, section 3)."""
    if not scene.is_known:
        return ()
    said = Said(scene.own_name(), scene.positions)
    return (scene.turn(scene.phrase("position", "questions"), scene.phrase("position", "answers"), said),)


def ask_absent(scene: Scene) -> tuple[Turn, ...]:
    """Ask for what is not there: something else, or the target itself of an image without it.

    The questions are those about a place, so that nothing in them gives the answer away.
    """
    name = scene.absent_name()
    if name is None:
        return ()
    asked, answered = scene.phrase("position", "questions"), scene.phrase("absent", "answers")
    return (scene.turn(asked, answered, Said(name, ())),)
