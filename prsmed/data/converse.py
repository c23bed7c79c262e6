"""A question about an image and its true answer, written from the mask as the model will see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prsmed.data.record import Record
from prsmed.data.targets import absent_names, present_names
from prsmed.data.templates import TRAIN_TEMPLATES, as_typed, ask, places
from prsmed.position.findings import Position
from prsmed.position.sentences import VARIANTS, write_answer
from prsmed.position.zones import locate_all

RADIUS = 0.1
"""Near-centre radius as a share of the width: 0.2, the published one, calls almost all skin lesions central."""
MOST_REGIONS = 2
"""How many regions a true answer names, largest first."""


@dataclass(frozen=True)
class Turn:
    """One question with its true answer.

    Attributes:
        question: As typed by a person.
        answer: What should be said.
        target: The name asked for.
        present: Whether it is in the image.
        positions: Where, largest region first, at most two; empty when absent.
    """

    question: str
    answer: str
    target: str
    present: bool
    positions: tuple[Position, ...]


def converse(
    mask: NDArray[np.uint8],
    record: Record,
    rng: np.random.Generator,
    *,
    absent_share: float = 0.3,
    templates: Sequence[str] = TRAIN_TEMPLATES,
    radius: float = RADIUS,
    variant: int | None = None,
    varied: bool = True,
) -> Turn:
    """Draw a question and write its answer.

    Args:
        mask: ``(size, size)`` mask in the model's square, after any augmentation; every pixel above 0 counts.
        record: The image the mask belongs to.
        rng: Where every choice is drawn from.
        absent_share: Probability to ask for something else than the mask shows. An empty mask always gives an
            absent turn, about the image's own target.
        templates: Wordings to draw from.
        radius: Near-centre radius as a share of the width.
        variant: Wording of the answer; drawn when ``None``.
        varied: Whether the question may lose capitals and closing mark, as people type.
    """
    is_empty = not mask.any()
    present = not is_empty and bool(rng.random() >= absent_share)
    names = present_names(record) if present else absent_names(record, is_empty)
    target = _draw(names, rng)
    question = ask(_draw(templates, rng), target, _draw(places(record.modality), rng))
    if varied:
        question = as_typed(question, rng)
    positions = locate_all(mask, "box", radius)[:MOST_REGIONS] if present else ()
    drawn = int(rng.integers(VARIANTS))
    answer = write_answer(positions, target, frame="image", variant=drawn if variant is None else variant)
    return Turn(question, answer, target, present, positions)


def _draw(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
