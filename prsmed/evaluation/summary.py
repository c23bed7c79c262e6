"""From judged answers to estimates: every measure, for each modality and as a macro mean over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from prsmed.evaluation.measures import MASK_MEASURES, WORD_MEASURES, Measure
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.position_score import position_measures
from prsmed.evaluation.statistics import DRAWS, SEED, Estimate, Sample, macro_mean, mean

MACRO = "macro"
Row = dict[str, Estimate]
"""Estimates by modality, and under :data:`MACRO` their mean; a modality without values has none."""


class Grouped(Protocol):
    """Something counted: of a modality, and resampled with its group."""

    @property
    def modality(self) -> str:
        """Of the image."""

    @property
    def group(self) -> str:
        """Unique over modalities."""


Counted = TypeVar("Counted", bound=Grouped)


def all_measures(outcomes: Sequence[Outcome]) -> tuple[Measure, ...]:
    """Every measure of a list, in the order of the report."""
    return (*MASK_MEASURES, *position_measures(outcomes), *WORD_MEASURES)


def summarise(
    measures: Sequence[Measure], outcomes: Sequence[Outcome], draws: int = DRAWS, seed: int = SEED
) -> dict[str, Row]:
    """Estimates of measures that apply to at least one answer, by the measure's name."""
    rows = {measure.name: _row(samples_of(measure, outcomes), draws, seed) for measure in measures}
    return {name: row for name, row in rows.items() if row}


def estimate_row(
    value: Callable[[Counted], float | None], outcomes: Sequence[Counted], draws: int = DRAWS, seed: int = SEED
) -> Row:
    """Estimates of the mean of one number of an answer; an empty row when no answer has it."""
    return _row(_samples(value, None, outcomes), draws, seed)


def samples_of(measure: Measure, outcomes: Sequence[Outcome]) -> dict[str, Sample]:
    """A measure's values by modality; modalities without any are left out."""
    return _samples(measure.value, measure.total, outcomes)


def _samples(
    value: Callable[[Counted], float | None],
    total: Callable[[Counted], float] | None,
    outcomes: Sequence[Counted],
) -> dict[str, Sample]:
    samples = {}
    for modality in sorted({outcome.modality for outcome in outcomes}):
        counted = [outcome for outcome in outcomes if outcome.modality == modality and value(outcome) is not None]
        if counted:
            samples[modality] = Sample(
                values=[float(value(outcome) or 0) for outcome in counted],
                groups=[outcome.group for outcome in counted],
                totals=None if total is None else [total(outcome) for outcome in counted],
            )
    return samples


def _row(samples: Mapping[str, Sample], draws: int, seed: int) -> Row:
    if not samples:
        return {}
    row = {modality: mean(sample, draws, seed) for modality, sample in samples.items()}
    return {**row, MACRO: macro_mean(samples, draws, seed)}
