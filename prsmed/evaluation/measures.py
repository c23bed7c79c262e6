"""What is counted: each measure gives one number an answer, or none where it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from prsmed.evaluation.outcome import Outcome

RAW_SHARE = 0.001
"""From this share of the pixels on, what is drawn before the presence judgement counts as a mask."""

Section = Literal["Mask", "Position", "Presence and agreement"]


@dataclass(frozen=True)
class Measure:
    """A named number of an answer.

    Attributes:
        name: For programs.
        title: Column head.
        section: Table it stands in.
        meaning: One line for readers of the table.
        value: The number, or ``None`` where the measure does not apply.
    """

    name: str
    title: str
    section: Section
    meaning: str
    value: Callable[[Outcome], float | None]


def _of_present(outcome: Outcome, value: bool | None) -> float | None:
    return float(value) if outcome.present and value is not None else None


def _of_absent(outcome: Outcome, value: bool | None) -> float | None:
    return float(value) if not outcome.present and value is not None else None


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
        "missed",
        "Missed",
        "Mask",
        "Share of present targets for which the mask is empty.",
        lambda outcome: _of_present(outcome, outcome.mask_share == 0),
    ),
    Measure(
        "false_mask",
        "False mask",
        "Mask",
        "Share of absent targets for which a user gets any mask pixel.",
        lambda outcome: _of_absent(outcome, outcome.mask_share > 0),
    ),
    Measure(
        "false_mask_raw",
        "False mask, raw",
        "Mask",
        "The same before the presence judgement empties masks, from 0.1 % of the pixels on.",
        lambda outcome: _of_absent(outcome, outcome.raw_share > RAW_SHARE),
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
