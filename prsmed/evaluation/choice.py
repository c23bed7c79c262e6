"""Multiple choice: which of the places offered an answer names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prsmed.data import Conversation
from prsmed.evaluation.place import Place
from prsmed.evaluation.statistics import Sample, macro_mean, mean
from prsmed.evaluation.summary import MACRO
from prsmed.evaluation.tables import Cell, Table
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
        group: What is resampled together.
        options: The places offered.
        letter: The right one.
        text: The answer.
        chosen: The letter it comes to; ``None`` when it names no option, or several.
    """

    id: str
    modality: str
    group: str
    options: tuple[str, ...]
    letter: str
    text: str
    chosen: str | None


def judge_choice(conversation: Conversation, text: str) -> ChoiceOutcome:
    """Read an answer to a multiple-choice question."""
    record, turn = conversation.record, conversation.turn
    assert turn.letter is not None
    group = f"{record.modality}/{record.group}"
    chosen = read_choice(text, turn.options)
    return ChoiceOutcome(conversation.id, record.modality, group, turn.options, turn.letter, text, chosen)


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
    parts = [*sorted(usual), MACRO]
    rows = tuple(
        (
            Cell(part.replace("_", " ")),
            _count(outcomes, part),
            *(_cell(outcomes, part, value) for value, _ in columns.values()),
        )
        for part in parts
    )
    legend = tuple((name, meaning) for name, (_, meaning) in columns.items())
    return [Table("Multiple choice", ("Modality", "Questions", *columns), rows, legend)]


def _right(outcome: ChoiceOutcome) -> str:
    return outcome.options[LETTERS.index(outcome.letter)]


def _of(outcomes: Sequence[ChoiceOutcome], part: str) -> list[ChoiceOutcome]:
    return [outcome for outcome in outcomes if part in (MACRO, outcome.modality)]


def _count(outcomes: Sequence[ChoiceOutcome], part: str) -> Cell:
    own = _of(outcomes, part)
    return Cell.count(len(own), len({outcome.group for outcome in own}))


def _cell(outcomes: Sequence[ChoiceOutcome], part: str, value: Callable[[ChoiceOutcome], float]) -> Cell:
    if part != MACRO:
        return Cell.of(mean(_sample(value, _of(outcomes, part))))
    modalities = sorted({outcome.modality for outcome in outcomes})
    return Cell.of(macro_mean({modality: _sample(value, _of(outcomes, modality)) for modality in modalities}))


def _sample(value: Callable[[ChoiceOutcome], float], own: Sequence[ChoiceOutcome]) -> Sample:
    return Sample([float(value(outcome)) for outcome in own], [outcome.group for outcome in own])
