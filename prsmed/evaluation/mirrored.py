"""Mirror images: what a model draws and says about a picture, and about the same picture mirrored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from prsmed.data import Conversation
from prsmed.evaluation.answering import Model, in_model_square, predict, to_tensor
from prsmed.evaluation.metrics import dice, iou
from prsmed.evaluation.outcome import Prediction, group_of
from prsmed.evaluation.place import Place
from prsmed.evaluation.tables import Table, part_table
from prsmed.position.parser import parse
from prsmed.position.tokens import tokenize

Flip = Literal["left-right", "top-bottom", "both ways"]
FLIPS: dict[Flip, tuple[int, ...]] = {"left-right": (1,), "top-bottom": (0,), "both ways": (0, 1)}
"""Mirrorings, and the axes of a picture ``(rows, cols)`` that each turns round."""
_OPPOSITES = ({"top": "bottom", "bottom": "top"}, {"left": "right", "right": "left"})
_BATCH = 16


@dataclass(frozen=True)
class Mirrored:
    """A question asked about a picture and about its mirror image.

    Attributes:
        id: The conversation's.
        modality: The image's modality.
        group: What is resampled together.
        flip: How the picture was mirrored.
        dice: Dice of the mask and the mirror image's, mirrored back; 0 when one is empty, ``None`` when both are.
        iou: Intersection over union, likewise.
        zones: Whether the text about the mirror image names the mirrored zones; ``None`` when that about the picture
            names none.
        presence: Whether the presence judgement is the same; ``None`` for a system without.
    """

    id: str
    modality: str
    group: str
    flip: Flip
    dice: float | None
    iou: float | None
    zones: bool | None
    presence: bool | None


_COLUMNS: dict[str, tuple[Callable[[Mirrored], float | None], str]] = {
    "Dice": (lambda m: m.dice, "Of the mask and the mirror image's, mirrored back; questions without both left out."),
    "IoU": (lambda m: m.iou, "Intersection over union, likewise."),
    "Zones": (lambda m: m.zones, "Share of answers naming a zone that name the mirrored one about the mirror image."),
    "Presence": (lambda m: m.presence, "Share of questions whose presence judgement is the same."),
}


def mirrorable(conversations: Sequence[Conversation], limit: int | None = None) -> list[Conversation]:
    """The questions about present targets whose wording names no side of the picture or the patient.

    Args:
        conversations: A list of questions.
        limit: At most so many of each modality, evenly spread over the list.
    """
    asked: dict[str, list[Conversation]] = {}
    for one in conversations:
        if one.turn.present and not _names_side(one.turn.question):
            asked.setdefault(one.record.modality, []).append(one)
    return [own[at] for own in asked.values() for at in _spread(len(own), limit)]


def ask_mirrored(model: Model, conversations: Sequence[Conversation], root: Path) -> Iterator[list[Mirrored]]:
    """Ask every question about the picture in the model's square and about its three mirror images.

    Args:
        model: In evaluation mode.
        conversations: Of :func:`mirrorable`.
        root: Folder the images' paths are relative to.

    Yields:
        One entry a mirroring, for each conversation in turn.

    Raises:
        PRSMedError: As :func:`~prsmed.evaluation.answering.ask`.
    """
    for start in range(0, len(conversations), _BATCH):
        batch = conversations[start : start + _BATCH]
        pixels = to_tensor([in_model_square(one, root, model)[0] for one in batch])
        questions = [one.turn.question for one in batch]
        straight = predict(model, pixels, questions)
        found = {
            flip: predict(model, pixels.flip([axis + 2 for axis in axes]), questions) for flip, axes in FLIPS.items()
        }
        for number, conversation in enumerate(batch):
            yield [compare_mirrored(conversation, flip, straight[number], found[flip][number]) for flip in FLIPS]


def compare_mirrored(conversation: Conversation, flip: Flip, straight: Prediction, mirrored: Prediction) -> Mirrored:
    """Compare the answer about a picture with that about its mirror image."""
    first, back = straight.mask, np.flip(mirrored.mask, FLIPS[flip])
    if not first.any():
        first, back = back, first  # an overlap is symmetric, and defined while its second mask is not empty
    is_drawn = bool(first.any())
    return Mirrored(
        id=conversation.id,
        modality=conversation.record.modality,
        group=group_of(conversation.record),
        flip=flip,
        dice=dice(back, first) if is_drawn else None,
        iou=iou(back, first) if is_drawn else None,
        zones=_zones_mirror(straight.text, mirrored.text, flip),
        presence=None if straight.says_present is None else straight.says_present == mirrored.says_present,
    )


def mirror_tables(mirrored: Sequence[Mirrored]) -> list[Table]:
    """One table a mirroring: a row a modality, the macro mean last."""
    return [part_table(f"Mirrored {flip}", _COLUMNS, [one for one in mirrored if one.flip == flip]) for flip in FLIPS]


def _names_side(question: str) -> bool:
    return any(token.tag in ("left", "right", "top", "bottom") for token in tokenize(question))


def _spread(count: int, limit: int | None) -> list[int]:
    if limit is None or limit >= count:
        return list(range(count))
    return [int((number + 0.5) * count / limit) for number in range(limit)]


def _zones_mirror(straight: str | None, mirrored: str | None, flip: Flip) -> bool | None:
    """Whether the zones of one text are those of the other, mirrored; nearness is left out."""
    zones = () if straight is None else Place.of_reading(parse(straight)).zones
    if not zones or mirrored is None:
        return None
    swap = {word: other for axis in FLIPS[flip] for word, other in _OPPOSITES[axis].items()}
    expected = {" ".join(swap.get(word, word) for word in zone.split()) for zone in zones}
    return expected == set(Place.of_reading(parse(mirrored)).zones)
