"""Several turns about one image, from an explicit request to an implicit one, as MedSeg-R has them (section 6.1)."""

from __future__ import annotations

from prsmed.data.questions.referring import refer
from prsmed.data.questions.scene import Said, Scene
from prsmed.data.schema import Turn
from prsmed.data.wording.words import capitals, one_of

_FINDINGS = (
    *("tumour", "tumor", "polyp", "nodule", "lesion", "mass", "growth", "cyst", "cancer", "metasta"),
    *("glioma", "meningioma", "melanoma", "sarcoma", "carcinoma", "haemorrhage", "hemorrhage"),
)


def ask_dialogue(scene: Scene) -> tuple[Turn, ...]:
    """Ask for the target by name, then without naming it (where is it, only that one), then by what it means.

    The implicit request is about findings, or about lungs; other anatomy gets none. An image without its target is
    asked the explicit and the implicit request, and both answers say that it is not there.
    """
    name = scene.own_name()
    steps = ["explicit"]
    wants_again, wants_narrow = bool(scene.rng.integers(2)), bool(scene.rng.integers(2))
    implicit = _implicit(name)
    index = refer(scene)
    if scene.is_known:
        steps += ["again"] if wants_again or not implicit else []
        steps += ["narrow"] if index is not None and (wants_narrow or not wants_again) else []
    elif scene.positions:
        return ()
    steps += [implicit] if implicit else []
    if len(steps) < 2:
        return ()
    return tuple(_turn(scene, step, name, index) for step in steps)


def _turn(scene: Scene, step: str, name: str, index: int | None) -> Turn:
    said = Said(name, scene.positions, tuple(range(len(scene.positions))) or None)
    words = {}
    if step == "narrow" and index is not None:
        place = scene.positions[index]
        said, words = Said(one_of(name), (place,), (index,)), {"where": f"in the {place.zone}"}
    answered = scene.phrase("dialogue", "answers" if said.positions else "none")
    return scene.turn(scene.phrase("dialogue", step), answered, said, capitals(words))


def _implicit(name: str) -> str | None:
    """The list of implicit requests that fit a target."""
    if "lung" in name and name.endswith(("lungs", "lung fields")):
        return "lungs"
    return "implicit" if any(word in name for word in _FINDINGS) else None
