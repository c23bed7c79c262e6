"""One answered question, judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prsmed.data import MOST_REGIONS, Conversation, Record
from prsmed.evaluation.lesions import lesion_f1
from prsmed.evaluation.metrics import dice, iou
from prsmed.evaluation.place import Place, measured
from prsmed.evaluation.published import threshold_means
from prsmed.evaluation.surface import hd95, surface_dice
from prsmed.position.agreement import compare
from prsmed.position.parser import parse


@dataclass(frozen=True)
class Prediction:
    """What a system answers to one question, in the model's square.

    Attributes:
        mask: ``(S, S)`` bool, what a user gets: empty where the target is judged absent.
        raw_mask: ``(S, S)`` bool before that judgement.
        presence: Probability that the target is there; ``None`` for a system that does not say.
        says_present: What it makes of the probability; ``None`` likewise.
        text: The answer; ``None`` for a system without words.
        probability: ``(S, S)`` float32, each pixel's in the raw mask; ``None`` for a system that gives masks alone.
    """

    mask: NDArray[np.bool_]
    raw_mask: NDArray[np.bool_]
    presence: float | None = None
    says_present: bool | None = None
    text: str | None = None
    probability: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Answered:
    """A conversation with what the model saw, what is true and what was predicted.

    Attributes:
        conversation: Question and true answer.
        pixels: ``(S, S, 3)`` uint8, the image in the model's square.
        true_mask: ``(S, S)`` bool of the target asked for; empty when it is absent.
        prediction: The system's answer.
    """

    conversation: Conversation
    pixels: NDArray[np.uint8]
    true_mask: NDArray[np.bool_]
    prediction: Prediction


@dataclass(frozen=True)
class Outcome:
    """All that is counted of one answer; numbers of overlap and distance are ``None`` when the target is absent.

    Attributes:
        id: The conversation's.
        modality: The image's modality.
        dataset: The image's set.
        group: What is resampled together: patient, video or cluster; unique over modalities.
        question: As asked.
        true_answer: What should be said.
        present: Whether the target is in the image.
        true_place: Where it is; nowhere when absent.
        dice: Dice of the mask a user gets, 0 for an empty one; ``None`` when the target is absent.
        iou: Intersection over union, likewise.
        mask_share: Share of the square's pixels in the mask a user gets.
        raw_share: The same before the presence judgement.
        mask_place: Where the mask is, by the rule of the true answers.
        presence: Presence probability; ``None`` for systems without.
        says_present: Presence judgement; ``None`` likewise.
        text: The answer; ``None`` for systems without words.
        text_place: The place it names.
        text_denies: Whether it says that the target is not there.
        agrees: Whether text and mask name the same place or both none; ``None`` when the text names no place.
        hd95: 95th percentile of the distance of the outlines, in pixels of the square.
        surface_dice: Share of the outlines that are within a tolerance of each other.
        lesion_f1: F1 over connected regions.
        shared_pixels: Pixels in both masks, of an absent target too.
        union_pixels: Pixels in either mask, likewise.
        mdice: Dice as published, over 256 thresholds; ``None`` too for a system without probabilities.
        miou: Intersection over union, likewise.
        mask_area_place: Where the mask is by the rule of the paper's A.6; ``None`` in outcomes without.
        true_area_place: Where the true mask is by that rule, likewise.
        true_side: The patient's, as the true answer says: ``"left"``, ``"right"`` or ``"left + right"``; ``None`` where
            it is not asked for or not known (:mod:`prsmed.evaluation.patient_side`).
        mask_side: That of the mask a user gets; ``None`` likewise, or for a mask on neither.
        true_mask_side: That of the true mask, likewise.
    """

    id: str
    modality: str
    dataset: str
    group: str
    question: str
    true_answer: str
    present: bool
    true_place: Place
    dice: float | None
    iou: float | None
    mask_share: float
    raw_share: float
    mask_place: Place
    presence: float | None = None
    says_present: bool | None = None
    text: str | None = None
    text_place: Place | None = None
    text_denies: bool | None = None
    agrees: bool | None = None
    hd95: float | None = None
    surface_dice: float | None = None
    lesion_f1: float | None = None
    shared_pixels: int | None = None
    union_pixels: int | None = None
    mdice: float | None = None
    miou: float | None = None
    mask_area_place: Place | None = None
    true_area_place: Place | None = None
    true_side: str | None = None
    mask_side: str | None = None
    true_mask_side: str | None = None


def group_of(record: Record) -> str:
    """What is resampled together, unique over modalities."""
    return f"{record.modality}/{record.group}"


def judge(answered: Answered) -> Outcome:
    """Compare a prediction with the truth, and its words with its mask."""
    record, turn = answered.conversation.record, answered.conversation.turn
    said = answered.prediction
    positions = measured(said.mask)
    reading = None if said.text is None else parse(said.text)
    return Outcome(
        id=answered.conversation.id,
        modality=record.modality,
        dataset=record.dataset,
        group=group_of(record),
        question=turn.question,
        true_answer=turn.answer,
        present=turn.present,
        true_place=Place.of_positions(turn.positions[:MOST_REGIONS]),
        mask_share=float(said.mask.mean()),
        raw_share=float(said.raw_mask.mean()),
        mask_place=Place.of_positions(positions),
        presence=said.presence,
        says_present=said.says_present,
        text=said.text,
        text_place=None if reading is None else Place.of_reading(reading),
        text_denies=None if reading is None else reading.none,
        agrees=None if said.text is None else compare(said.text, positions).agrees,
        shared_pixels=int((said.mask & answered.true_mask).sum()),
        union_pixels=int((said.mask | answered.true_mask).sum()),
        mask_area_place=Place.of_positions(measured(said.mask, "area")),
        true_area_place=Place.of_positions(measured(answered.true_mask, "area")),
        **_of_present(said, answered.true_mask if turn.present else None),
    )


def _of_present(said: Prediction, true: NDArray[np.bool_] | None) -> dict[str, Any]:
    if true is None:
        return {"dice": None, "iou": None}
    mdice, miou = (None, None) if said.probability is None else threshold_means(said.probability, true)
    return {
        "dice": dice(said.mask, true),
        "iou": iou(said.mask, true),
        "hd95": hd95(said.mask, true),
        "surface_dice": surface_dice(said.mask, true),
        "lesion_f1": lesion_f1(said.mask, true),
        "mdice": mdice,
        "miou": miou,
    }
