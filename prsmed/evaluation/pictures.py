"""Best, median and worst answers, drawn."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion

from prsmed.evaluation.outcome import Answered, Outcome

TRUE_COLOR, PREDICTED_COLOR = (12, 180, 255), (255, 194, 10)
_SIDE = 320
_LINE_PX = 2


@dataclass(frozen=True)
class Picture:
    """An answer to look at.

    Attributes:
        tag: ``"best"``, ``"median"``, ``"worst"`` or ``"false mask"``.
        outcome: Question, words and figures.
        png: Image with the outlines of the true and of the predicted mask.
    """

    tag: str
    outcome: Outcome
    png: bytes

    @property
    def verdict(self) -> str:
        """Figures and places in one line."""
        outcome = self.outcome
        score = "not there" if outcome.dice is None else f"Dice {outcome.dice:.2f}"
        places = f"true: {outcome.true_place} · mask: {outcome.mask_place}"
        if outcome.text is None:
            return f"{score} · {places}"
        said = "not there" if outcome.text_denies else str(outcome.text_place)
        agrees = {True: "text and mask agree", False: "text and mask disagree", None: "text names no place"}
        return f"{score} · {places} · text: {said} · {agrees[outcome.agrees]}"


def choose(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Tags by id: for each modality best, median and worst Dice, and the largest mask of something absent."""
    tags: dict[str, str] = {}
    for modality in sorted({outcome.modality for outcome in outcomes}):
        own = [outcome for outcome in outcomes if outcome.modality == modality]
        ranked = sorted((o for o in own if o.dice is not None), key=lambda o: (-(o.dice or 0.0), o.id))
        if ranked:
            # In this order, so that a lone image is called the best.
            for tag, index in (("worst", -1), ("median", (len(ranked) - 1) // 2), ("best", 0)):
                tags[ranked[index].id] = tag
        false_masks = [o for o in own if not o.present and o.mask_share > 0]
        if false_masks:
            tags[max(false_masks, key=lambda o: o.mask_share).id] = "false mask"
    return tags


def draw(answers: Iterable[Answered], outcomes: Sequence[Outcome], tags: dict[str, str]) -> list[Picture]:
    """Draw the tagged answers, by modality, best first.

    Args:
        answers: At least those whose ids are tagged.
        outcomes: All that were judged.
        tags: What :func:`choose` says.
    """
    judged = {outcome.id: outcome for outcome in outcomes}
    pictures = [
        Picture(tags[answered.conversation.id], judged[answered.conversation.id], _png(answered))
        for answered in answers
        if answered.conversation.id in tags
    ]
    order = ("best", "median", "worst", "false mask")
    return sorted(pictures, key=lambda picture: (picture.outcome.modality, order.index(picture.tag)))


def _png(answered: Answered) -> bytes:
    resized = Image.fromarray(answered.pixels).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    pixels = np.array(resized)
    pixels[_outline(answered.true_mask)] = TRUE_COLOR
    pixels[_outline(answered.prediction.mask)] = PREDICTED_COLOR
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    resized = Image.fromarray(mask.astype(np.float32)).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    inside = np.asarray(resized) > 0.5
    outline: NDArray[np.bool_] = inside & ~binary_erosion(inside, iterations=_LINE_PX)
    return outline
