"""`prsmed compare`: two systems on the same questions, measure by measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prsmed.evaluation.measures import Measure
from prsmed.evaluation.progress import PhaseProgress
from prsmed.evaluation.report_folder import Answers, check_same_questions, read_answers
from prsmed.evaluation.statistics import Difference, Estimate, Sample, holm, macro_difference, macro_mean
from prsmed.evaluation.summary import MACRO, all_measures, samples_of
from prsmed.evaluation.tables import Cell, Table

COMPARED = (
    "dice",
    "iou",
    "hd95",
    "surface_dice",
    "lesion_f1",
    "hit",
    "mdice",
    "giou",
    "ciou",
    "false_mask",
    "text_zone",
    "mask_zone",
    "presence",
    "agreement",
)
"""What is compared, fixed beforehand, since Holm's correction pays for every measure."""


@dataclass(frozen=True)
class Line:
    """One measure in one modality.

    Attributes:
        measure: What is counted.
        part: The modality, or the macro mean.
        reference: The reference's figure.
        other: The other system's.
        difference: The other's less the reference's.
        p_holm: Its p value, corrected over all lines; ``None`` where nothing can be resampled.
    """

    measure: Measure
    part: str
    reference: Estimate
    other: Estimate
    difference: Difference
    p_holm: float | None


@dataclass(frozen=True)
class Comparison:
    """A system beside the reference.

    Attributes:
        reference: Its name.
        other: The system's.
        lines: By measure, then modality, the macro mean last.
    """

    reference: str
    other: str
    lines: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        lines = [asdict(line) | {"measure": line.measure.name} for line in self.lines]
        return {"reference": self.reference, "other": self.other, "lines": lines}

    def to_table(self) -> Table:
        """A row a line."""
        header = ("Measure", "Modality", "n (groups)", "Reference", "Other", "Difference", "p", "p (Holm)")
        legend = {line.measure.title: line.measure.meaning for line in self.lines}
        return Table(
            f"{self.other} beside {self.reference}", header, tuple(map(_row, self.lines)), tuple(legend.items())
        )


def compare_reports(folders: Sequence[Path], progress: PhaseProgress) -> list[Comparison]:
    """Compare every report with the first.

    Only questions for which both systems have a number count, in both. Groups are resampled for both systems alike;
    p values are corrected by Holm's method over all measures and modalities of one comparison.

    Args:
        folders: At least two of ``prsmed evaluate --out``.
        progress: Called after every line of a comparison, with the other system's name.

    Raises:
        PRSMedError: What :func:`~prsmed.evaluation.report_folder.read_answers` and
            :func:`~prsmed.evaluation.report_folder.check_same_questions` raise.
    """
    reference, *others = (read_answers(folder) for folder in folders)
    for other in others:
        check_same_questions(reference, other)
    return [_compare(reference, other, progress) for other in others]


def _compare(reference: Answers, other: Answers, progress: PhaseProgress) -> Comparison:
    measures = {measure.name: measure for measure in all_measures(list(reference.outcomes.values()))}
    samples = []
    for name in COMPARED:
        pairs = _paired(measures[name], reference, other)
        parts = {modality: {modality: pair} for modality, pair in pairs.items()} | ({MACRO: pairs} if pairs else {})
        samples += [(measures[name], part, chosen) for part, chosen in parts.items()]
    found = []
    for measure, part, chosen in samples:
        found.append((measure, part, *_figures(chosen)))
        progress(other.name, len(found), len(samples))
    p_values = [difference.p for *_, difference in found if difference.p is not None]
    corrected = iter(holm(p_values))
    lines = [Line(*values, None if values[-1].p is None else next(corrected)) for values in found]
    return Comparison(reference.name, other.name, tuple(lines))


def _figures(pairs: Mapping[str, tuple[Sample, Sample]]) -> tuple[Estimate, Estimate, Difference]:
    first, second = ({name: pair[number] for name, pair in pairs.items()} for number in (0, 1))
    return macro_mean(first), macro_mean(second), macro_difference(pairs)


def _paired(measure: Measure, reference: Answers, other: Answers) -> dict[str, tuple[Sample, Sample]]:
    """Both systems' values by modality, of the questions for which both have one."""
    both = [
        (outcome, other.outcomes[name])
        for name, outcome in reference.outcomes.items()
        if measure.value(outcome) is not None and measure.value(other.outcomes[name]) is not None
    ]
    first, second = (samples_of(measure, [pair[number] for pair in both]) for number in (0, 1))
    return {modality: (first[modality], second[modality]) for modality in first}


def _row(line: Line) -> tuple[Cell, ...]:
    seen = line.difference.estimate
    interval = "[no interval]" if seen.low is None else f"[{seen.low:+.2f}, {seen.high:+.2f}]"
    return (
        Cell(line.measure.title),
        Cell(line.part.replace("_", " ")),
        Cell.count(seen.n, seen.groups),
        Cell.of(line.reference),
        Cell.of(line.other),
        Cell(f"{seen.value:+.3f}", interval),
        Cell(_p(line.difference.p)),
        Cell(_p(line.p_holm)),
    )


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
