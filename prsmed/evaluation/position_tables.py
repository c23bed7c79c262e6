"""The table of position fields: words, masks and constant answers against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from prsmed.evaluation.group_draws import Weighted, estimate
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.position_fields import (
    NAMES,
    SIDE,
    Source,
    balanced_accuracy,
    constant_fields,
    is_exact,
    is_right,
    of_mask,
    of_mask_by_area,
    of_text,
    of_truth,
    of_truth_by_area,
)
from prsmed.evaluation.statistics import Estimate
from prsmed.evaluation.summary import MACRO, estimate_row
from prsmed.evaluation.tables import Cell, Table

_BALANCED = ("vertical", "horizontal", "near")
_LEGEND = (
    ("Exact", "Share of present targets of which every field that the truth says is right."),
    *((name.capitalize(), f"Share of those whose {name} field is right.") for name in NAMES),
    *((f"{name.capitalize()}, balanced", f"Mean recall over the true values of {name}.") for name in _BALANCED),
    (
        "Side",
        "Share of the n questions for the patient's side of which it is right; asked on slices of volumes with patient "
        "space. n/a: none were, as pictures have no patient orientation.",
    ),
    ("Side, balanced", "Mean recall over the true sides, likewise."),
)


def position_tables(outcomes: Sequence[Outcome], sides: Sequence[Outcome] = ()) -> list[Table]:
    """One table, a row a source, means over modalities; none without present targets.

    Args:
        outcomes: Answers to questions for a place, and of absent targets.
        sides: Answers to questions for the patient's side (:func:`~prsmed.evaluation.patient_side.judge_side`).
    """
    present = [outcome for outcome in outcomes if outcome.present]
    known = [outcome for outcome in sides if outcome.true_side is not None]
    sources_of_sides = _sources(known)
    rows = []
    for title, source in _sources(outcomes).items():
        seen = [outcome for outcome in present if source(outcome) is not None]
        if seen:
            figures = (Cell.of(one) for one in _estimates(seen, source))
            rows.append((Cell(title), Cell.count_of(seen), *figures, *_side_cells(known, sources_of_sides[title])))
    header = ("Source", "Present", *(column for column, _ in _LEGEND))
    return [Table("Position fields", header, tuple(rows), _LEGEND)] if rows else []


def _sources(outcomes: Sequence[Outcome]) -> dict[str, Source]:
    return {
        "Text": of_text,
        "Mask, box rule": of_mask,
        "Mask, area rule": of_mask_by_area,
        "True mask, area rule": of_truth_by_area,
        "Most frequent": constant_fields(outcomes),
    }


def _estimates(outcomes: Sequence[Outcome], source: Source) -> list[Estimate | None]:
    """In the order of the legend, without the side."""

    def exact(outcome: Outcome) -> float | None:
        said = source(outcome)
        return None if said is None else is_exact(said, of_truth(outcome))

    found = [estimate_row(exact, outcomes).get(MACRO)]
    for name in NAMES:
        found.append(estimate_row(partial(_right, source, name), outcomes).get(MACRO))
    return [*found, *(_balanced(outcomes, source, name) for name in _BALANCED)]


def _side_cells(sides: Sequence[Outcome], source: Source) -> tuple[Cell, Cell]:
    right = estimate_row(partial(_right, source, SIDE), sides).get(MACRO)
    return Cell.with_n(right), Cell.with_n(_balanced(sides, source, SIDE))


def _balanced(outcomes: Sequence[Outcome], source: Source, name: str) -> Estimate | None:
    parts: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if getattr(of_truth(outcome), name) is not None:
            parts.setdefault(outcome.modality, []).append(outcome)
    weighted = {}
    for modality, own in parts.items():
        true = [getattr(of_truth(outcome), name) for outcome in own]
        right = [_right(source, name, outcome) or 0.0 for outcome in own]
        weighted[modality] = Weighted(balanced_accuracy(true, right), [outcome.group for outcome in own])
    return estimate(weighted)


def _right(source: Source, name: str, outcome: Outcome) -> float | None:
    said = source(outcome)
    return None if said is None else is_right(said, of_truth(outcome), name)
