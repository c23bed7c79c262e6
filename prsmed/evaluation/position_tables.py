"""The table of position fields: words, masks and constant answers against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from prsmed.evaluation.group_draws import Weighted, estimate
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.position_fields import (
    NAMES,
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
)


def position_tables(outcomes: Sequence[Outcome]) -> list[Table]:
    """One table, a row a source, means over modalities; none without present targets."""
    present = [outcome for outcome in outcomes if outcome.present]
    sources: tuple[tuple[str, Source], ...] = (
        ("Text", of_text),
        ("Mask, box rule", of_mask),
        ("Mask, area rule", of_mask_by_area),
        ("True mask, area rule", of_truth_by_area),
        ("Most frequent", constant_fields(outcomes)),
    )
    rows = []
    for title, source in sources:
        seen = [outcome for outcome in present if source(outcome) is not None]
        if seen:
            rows.append((Cell(title), Cell.count_of(seen), *(Cell.of(one) for one in _estimates(seen, source))))
    header = ("Source", "Present", *(column for column, _ in _LEGEND))
    return [Table("Position fields", header, tuple(rows), _LEGEND)] if rows else []


def _estimates(outcomes: Sequence[Outcome], source: Source) -> list[Estimate | None]:
    """In the order of the legend."""

    def exact(outcome: Outcome) -> float | None:
        said = source(outcome)
        return None if said is None else is_exact(said, of_truth(outcome))

    found = [estimate_row(exact, outcomes).get(MACRO)]
    for name in NAMES:
        found.append(estimate_row(partial(_right, source, name), outcomes).get(MACRO))
    return [*found, *(_balanced(outcomes, source, name) for name in _BALANCED)]


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
