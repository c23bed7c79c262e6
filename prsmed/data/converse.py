"""A question about an image and its true answer, written from the mask as the model will see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prsmed.data.record import Record
from prsmed.data.schema import Turn
from prsmed.data.targets import absent_names, present_names
from prsmed.data.templates import TRAIN_TEMPLATES, as_typed, ask, places
from prsmed.position.sentences import VARIANTS, write_answer
from prsmed.position.zones import locate_all

RADIUS = 0.1
"""Near-centre radius as a share of the width: 0.2, the published one, calls almost all skin lesions central."""
MOST_REGIONS = 2
"""How many regions a true answer names, largest first."""


def converse(
    mask: NDArray[np.uint8],
    record: Record,
    rng: np.random.Generator,
    *,
    absent_share: float = 0.3,
    radius: float = RADIUS,
) -> Turn:
    """Draw a question of the training wordings and write its answer.

    Args:
        mask: ``(size, size)`` mask in the model's square, after any augmentation; every pixel above 0 counts.
        record: The image the mask belongs to.
        rng: Where every choice is drawn from.
        absent_share: Probability to ask for something else than the mask shows. An empty mask always gives an
            absent turn, about the image's own target.
        radius: Near-centre radius as a share of the width.
    """
    is_empty = not mask.any()
    present = not is_empty and bool(rng.random() >= absent_share)
    names = present_names(record) if present else absent_names(record, is_empty)
    target = _draw(names, rng)
    template = int(rng.integers(len(TRAIN_TEMPLATES)))
    question = as_typed(ask(TRAIN_TEMPLATES[template], target, _draw(places(record.modality), rng)), rng)
    positions = locate_all(mask, "box", radius)[:MOST_REGIONS] if present else ()
    answer = write_answer(positions, target, frame="image", variant=int(rng.integers(VARIANTS)))
    return Turn(question, answer, target, present, positions, template=f"position/{template + 1}")


def _draw(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
