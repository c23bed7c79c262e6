"""What is counted: each measure gives one number an answer, or none where it does not apply.

Means are taken over answers. Only cumulative IoU is not a mean: it divides the sums of two numbers of an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.surface import TOLERANCE_PX

RAW_SHARE = 0.001
"""From this share of the pixels on, what is drawn before the presence judgement counts as a mask."""

HIT_IOU, FAILURE_DICE = 0.1, 0.1
"""From this overlap on a target counts as hit; below this one its mask is a failure."""

Section = Literal["Mask", "Found and missed", "Mask, by other definitions", "Position", "Presence and agreement"]


@dataclass(frozen=True)
class Measure:
    """A named number of an answer.

    Attributes:
        name: For programs.
        title: Column head.
        section: Table it stands in.
        meaning: One line for readers of the table.
        value: The number, or ``None`` where the measure does not apply.
        total: What the sum of the numbers is divided by the sum of; ``None`` for a mean.
    """

    name: str
    title: str
    section: Section
    meaning: str
    value: Callable[[Outcome], float | None]
    total: Callable[[Outcome], float] | None = None


def _of_present(outcome: Outcome, value: bool | None) -> float | None:
    return float(value) if outcome.present and value is not None else None


def _of_absent(outcome: Outcome, value: bool | None) -> float | None:
    return float(value) if not outcome.present and value is not None else None


def _reaches(overlap: float | None, least: float) -> float | None:
    return None if overlap is None else float(overlap >= least)


def _falls_short(overlap: float | None, least: float) -> float | None:
    return None if overlap is None else float(overlap < least)


def _iou_of_any(outcome: Outcome) -> float | None:
    if outcome.shared_pixels is None:
        return None
    return outcome.shared_pixels / outcome.union_pixels if outcome.union_pixels else 1.0


def _is_presence_right(outcome: Outcome) -> float | None:
    return None if outcome.says_present is None else float(outcome.says_present == outcome.present)


def _does_not_deny(outcome: Outcome) -> bool | None:
    return None if outcome.text_denies is None else not outcome.text_denies


def _agrees(outcome: Outcome) -> bool | None:
    """Words that name no place cannot be checked, so they do not agree."""
    return None if outcome.text is None else bool(outcome.agrees)


def _agreement(outcome: Outcome) -> float | None:
    agrees = _agrees(outcome)
    return None if agrees is None else float(agrees)


MASK_MEASURES = (
    Measure(
        "dice",
        "Dice",
        "Mask",
        "Dice at probability 0.5, mean over images whose target is present; an empty mask scores 0.",
        lambda outcome: outcome.dice,
    ),
    Measure("iou", "IoU", "Mask", "Intersection over union, likewise.", lambda outcome: outcome.iou),
    Measure(
        "hd95",
        "HD95, px",
        "Mask",
        "95th percentile of the distance of the outlines (MONAI), in pixels of the model's square; an empty mask gets "
        "the square's diagonal.",
        lambda outcome: outcome.hd95,
    ),
    Measure(
        "surface_dice",
        f"NSD, {TOLERANCE_PX:g} px",
        "Mask",
        f"Share of both outlines within {TOLERANCE_PX:g} pixels of the other (MONAI); an empty mask scores 0.",
        lambda outcome: outcome.surface_dice,
    ),
    Measure(
        "lesion_f1",
        "Lesion F1",
        "Mask",
        "F1 over connected regions (8 neighbours) of an image, matched where they overlap at all; mean over images.",
        lambda outcome: outcome.lesion_f1,
    ),
    Measure(
        "hit",
        "Hit",
        "Found and missed",
        f"Share of present targets with an IoU of at least {HIT_IOU:g}.",
        lambda outcome: _reaches(outcome.iou, HIT_IOU),
    ),
    Measure(
        "failure",
        "Failure",
        "Found and missed",
        f"Share of present targets with a Dice below {FAILURE_DICE:g}.",
        lambda outcome: _falls_short(outcome.dice, FAILURE_DICE),
    ),
    Measure(
        "missed",
        "Missed",
        "Found and missed",
        "Share of present targets for which the mask is empty.",
        lambda outcome: _of_present(outcome, outcome.mask_share == 0),
    ),
    Measure(
        "false_mask",
        "False mask",
        "Found and missed",
        "Share of absent targets for which a user gets any mask pixel.",
        lambda outcome: _of_absent(outcome, outcome.mask_share > 0),
    ),
    Measure(
        "false_mask_raw",
        "False mask, raw",
        "Found and missed",
        "The same before the presence judgement empties masks, from 0.1 % of the pixels on.",
        lambda outcome: _of_absent(outcome, outcome.raw_share > RAW_SHARE),
    ),
    Measure(
        "mdice",
        "mDice",
        "Mask, by other definitions",
        "As PRS-Med's code counts: mean Dice over 256 thresholds of the stretched probabilities of a present target.",
        lambda outcome: outcome.mdice,
    ),
    Measure(
        "miou",
        "mIoU",
        "Mask, by other definitions",
        "Intersection over union, likewise.",
        lambda outcome: outcome.miou,
    ),
    Measure(
        "giou",
        "gIoU",
        "Mask, by other definitions",
        "Mean IoU over all questions, as in reasoning segmentation; nothing drawn where nothing is there scores 1.",
        _iou_of_any,
    ),
    Measure(
        "ciou",
        "cIoU",
        "Mask, by other definitions",
        "Shared pixels of all questions over the pixels in either mask: large targets weigh most.",
        lambda outcome: outcome.shared_pixels,
        lambda outcome: outcome.union_pixels or 0,
    ),
)
WORD_MEASURES = (
    Measure(
        "presence",
        "Presence",
        "Presence and agreement",
        "Share of all questions for which the presence judgement is right.",
        _is_presence_right,
    ),
    Measure(
        "text_denies_present",
        "Text: false no",
        "Presence and agreement",
        "Share of present targets that the text says are not there.",
        lambda outcome: _of_present(outcome, outcome.text_denies),
    ),
    Measure(
        "text_grants_absent",
        "Text: missing no",
        "Presence and agreement",
        "Share of absent targets that the text does not say are absent.",
        lambda outcome: _of_absent(outcome, _does_not_deny(outcome)),
    ),
    Measure(
        "agreement_present",
        "Agreement, present",
        "Presence and agreement",
        "Share of present targets for which text and mask name the same zones; a text that names none disagrees.",
        lambda outcome: _of_present(outcome, _agrees(outcome)),
    ),
    Measure(
        "agreement",
        "Agreement, all",
        "Presence and agreement",
        "The same over all questions; both saying 'not there' agrees.",
        _agreement,
    ),
)
