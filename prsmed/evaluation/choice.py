"""Multiple choice: which of the places offered an answer names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prsmed.data import Conversation
from prsmed.evaluation.outcome import group_of
from prsmed.evaluation.place import Place
from prsmed.evaluation.tables import Table, part_table
from prsmed.position.parser import parse

LETTERS = "ABCDEFGH"
_FORMS = (
    r"^\W*(?i:{letter})\W*$",
    r"(?i:letter|option|answer|pick|choice)(?:\s+is)?[\s:]*{letter}\b",
    r"[(\[](?i:{letter})[)\]]",
    r"(?<![A-Za-z]){letter}[.:]",
)


@dataclass(frozen=True)
class ChoiceOutcome:
    """One multiple-choice question, answered.

    Attributes:
        id: The conversation's.
        modality: The image's modality.
        dataset: The image's set.
        group: What is resampled together.
        question: As asked, options and all.
        options: The places offered, from A on.
        letter: The right one.
        text: The answer.
        chosen: The letter it comes to; ``None`` when it names no option, or several.
    """

    id: str
    modality: str
    dataset: str
    group: str
    question: str
    options: tuple[str, ...]
    letter: str
    text: str
    chosen: str | None


def judge_choice(conversation: Conversation, text: str) -> ChoiceOutcome:
    """Read an answer to a multiple-choice question."""
    record, turn = conversation.record, conversation.turn
    assert turn.letter is not None
    return ChoiceOutcome(
        id=conversation.id,
        modality=record.modality,
        dataset=record.dataset,
        group=group_of(record),
        question=turn.question,
        options=turn.options,
        letter=turn.letter,
        text=text,
        chosen=read_choice(text, turn.options),
    )


def read_choice(text: str, options: Sequence[str]) -> str | None:
    """The letter an answer comes to: one it states, else the only option whose place it names; ``None`` for neither."""
    letters = LETTERS[: len(options)]
    for form in _FORMS:
        stated = [one for one in letters if re.search(form.format(letter=one), text)]
        if stated:
            return stated[0] if len(stated) == 1 else None
    said = Place.of_reading(parse(text))
    fitting = [one for one, option in zip(letters, options, strict=True) if said.fits(Place.of_reading(parse(option)))]
    return fitting[0] if len(fitting) == 1 and said.zones else None


def choice_tables(outcomes: Sequence[ChoiceOutcome]) -> list[Table]:
    """Accuracy beside chance and the most frequent letter and place of this very list; none without questions."""
    if not outcomes:
        return []
    letters = Counter(outcome.letter for outcome in outcomes)
    places: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        places.setdefault(outcome.modality, Counter())[_right(outcome)] += 1
    usual = {modality: max(counts, key=counts.__getitem__) for modality, counts in places.items()}
    letter = max(letters, key=letters.__getitem__)
    columns: dict[str, tuple[Callable[[ChoiceOutcome], float], str]] = {
        "Right": (lambda o: o.chosen == o.letter, "Share of multiple-choice questions whose right option is chosen."),
        "None": (lambda o: o.chosen is None, "Share of answers that name no option, or several: not right."),
        "Chance": (lambda o: 1 / len(o.options), "Right by drawing an option."),
        "Letter": (lambda o: o.letter == letter, f"Right by always choosing {letter}, the most frequent right letter."),
        "Place": (
            lambda o: _right(o) == usual[o.modality],
            "Share of questions whose right option is the modality's most frequent one: right by knowing it.",
        ),
    }
    return [part_table("Multiple choice", columns, outcomes)]


def _right(outcome: ChoiceOutcome) -> str:
    return outcome.options[LETTERS.index(outcome.letter)]
