"""All kinds of conversations about one image."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from prsmed.data.questions.choice import ask_choice
from prsmed.data.questions.count import ask_count
from prsmed.data.questions.dialogue import ask_dialogue
from prsmed.data.questions.patient_side import ask_patient_side
from prsmed.data.questions.position import ask_absent, ask_position
from prsmed.data.questions.referring import ask_referring
from prsmed.data.questions.scene import Scene
from prsmed.data.questions.size import ask_size
from prsmed.data.questions.yes_no import ask_yes_no
from prsmed.data.schema import KINDS, Kind, Turn
from prsmed.data.shown import Shown
from prsmed.data.wording import Wording
from prsmed.errors import PRSMedError

_ASKERS: dict[Kind, Callable[[Scene], tuple[Turn, ...]]] = {
    "position": ask_position,
    "absent": ask_absent,
    "choice": ask_choice,
    "yes_no": ask_yes_no,
    "referring": ask_referring,
    "size": ask_size,
    "count": ask_count,
    "patient_side": ask_patient_side,
    "dialogue": ask_dialogue,
}


def converse_about(
    shown: Shown,
    wording: Wording,
    rng: np.random.Generator,
    *,
    kinds: Collection[Kind],
    held_out: bool,
) -> list[tuple[Kind, tuple[Turn, ...]]]:
    """Hold one conversation of each kind about an image.

    Args:
        shown: The image, its mask and the positions of the mask's regions.
        wording: Templates.
        rng: Where every choice is drawn from. A kind's conversation does not depend on which others are asked for.
        kinds: Which to hold.
        held_out: Use the wordings that are never trained on, typed with care; else those for training, at times
            without capitals or closing mark.

    Returns:
        Kinds in the order of :data:`~prsmed.data.schema.KINDS`; one that does not apply to the image is left out.

    Raises:
        PRSMedError: ``unknown_kind``.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise PRSMedError("unknown_kind", f"kind {kind!r} is unknown; choose some of {', '.join(KINDS)}")
    seeds = rng.integers(2**63, size=len(KINDS))
    conversations = []
    for kind, seed in zip(KINDS, seeds, strict=True):
        if kind in kinds:
            turns = _ASKERS[kind](Scene(shown, wording, np.random.default_rng(seed), held_out))
            if turns:
                conversations.append((kind, turns))
    return conversations
