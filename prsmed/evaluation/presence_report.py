"""Presence in a report: how well the probabilities are calibrated, and what abstaining would buy."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prsmed.evaluation.calibration import (
    BINS,
    auroc,
    bins_of,
    brier,
    calibration_error,
    risk_area,
    risk_curve,
)
from prsmed.evaluation.figure import Figure
from prsmed.evaluation.group_draws import Figured, Weighted, estimate
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.statistics import Estimate
from prsmed.evaluation.summary import MACRO
from prsmed.evaluation.tables import Cell, Table

_Numbers = NDArray[np.float64]
_TITLE = "Presence probabilities"
_LEGEND = (
    ("AUROC", "Chance that a present target gets a higher presence probability than an absent one, ties counted half."),
    ("ECE", f"Expected calibration error: mean gap of probability and frequency over {BINS} bins of equal mass."),
    ("Brier", "Mean square of probability less truth."),
    ("AURC", "Mean share of wrong presence judgements among the surest answers, over all coverages."),
)


def calibration_tables(outcomes: Sequence[Outcome]) -> list[Table]:
    """One table, a row a modality and the macro mean; none for a system without presence probabilities."""
    parts: dict[str, list[Outcome]] = {}
    for outcome in _judged(outcomes):
        parts.setdefault(outcome.modality, []).append(outcome)
    if not parts:
        return []
    weighted = {modality: _figures(own) for modality, own in parts.items()}
    rows = []
    for name in [*sorted(parts), MACRO]:
        own = [name] if name != MACRO else sorted(parts)
        counted = Cell.count_of([outcome for modality in own for outcome in parts[modality]])
        cells = [Cell.of(_estimate(weighted, own, column)) for column in range(len(_LEGEND))]
        rows.append((Cell(name.replace("_", " ")), counted, *cells))
    header = ("Modality", "Questions", *(column for column, _ in _LEGEND))
    return [Table(_TITLE, header, tuple(rows), _LEGEND)]


def calibration_figures(outcomes: Sequence[Outcome]) -> list[Figure]:
    """Reliability diagram and error-coverage curve over all answers; none for a system without probabilities."""
    judged = _judged(outcomes)
    if not judged:
        return []
    probability, truth = _probability(judged), _truth(judged)
    return [_reliability(probability, truth), _abstention(_confidence(judged), _wrong(judged))]


def _estimate(weighted: dict[str, list[Weighted]], modalities: Sequence[str], column: int) -> Estimate | None:
    return estimate({modality: weighted[modality][column] for modality in modalities})


def _figures(outcomes: Sequence[Outcome]) -> list[Weighted]:
    """The figures in the order of the legend."""
    probability, truth, groups = _probability(outcomes), _truth(outcomes), [outcome.group for outcome in outcomes]
    figures: list[Figured] = [figure(probability, truth) for figure in (auroc, calibration_error, brier)]
    figures.append(risk_area(_confidence(outcomes), _wrong(outcomes)))
    return [Weighted(figure, groups) for figure in figures]


def _judged(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.presence is not None and outcome.says_present is not None]


def _probability(outcomes: Sequence[Outcome]) -> _Numbers:
    return np.array([outcome.presence for outcome in outcomes], dtype=np.float64)


def _truth(outcomes: Sequence[Outcome]) -> _Numbers:
    return np.array([outcome.present for outcome in outcomes], dtype=np.float64)


def _confidence(outcomes: Sequence[Outcome]) -> _Numbers:
    """Probability of what is judged."""
    says = np.array([outcome.says_present for outcome in outcomes], dtype=bool)
    probability = _probability(outcomes)
    return np.where(says, probability, 1 - probability)


def _wrong(outcomes: Sequence[Outcome]) -> _Numbers:
    return np.array([outcome.says_present != outcome.present for outcome in outcomes], dtype=np.float64)


def _reliability(probability: _Numbers, truth: _Numbers) -> Figure:
    bins = bins_of(probability)
    said, true = (np.bincount(bins, weights=values) / np.bincount(bins) for values in (probability, truth))
    error = float(calibration_error(probability, truth)(np.ones((1, len(truth))))[0])
    caption = f"{len(said)} bins of equal mass, {len(truth)} questions; calibration error {error:.3f}."
    points = "; ".join(f"said {x:.2f}, true {y:.2f}" for x, y in zip(said, true, strict=True))
    png = _plot(said, true, "presence probability", "share present", diagonal=True)
    return Figure("Reliability of presence", caption, png, f"Reliability diagram: {points}.")


def _abstention(confidence: _Numbers, is_wrong: _Numbers) -> Figure:
    coverage, risk = risk_curve(confidence, is_wrong)
    shown = [min(int(np.ceil(share * len(risk))) - 1, len(risk) - 1) for share in (0.25, 0.5, 0.75, 1.0)]
    points = "; ".join(f"at coverage {coverage[at]:.2f} {risk[at]:.3f}" for at in shown)
    caption = f"Surest answers first, {len(risk)} questions: share of wrong presence judgements among those answered."
    png = _plot(coverage, risk, "share answered", "share wrong", diagonal=False)
    return Figure("Abstention", caption, png, f"Share of wrong presence judgements: {points}.")


def _plot(x: _Numbers, y: _Numbers, x_label: str, y_label: str, *, diagonal: bool) -> bytes:
    import matplotlib.figure

    figure = matplotlib.figure.Figure(figsize=(4, 3.2), dpi=120, layout="constrained")
    axes = figure.subplots()
    if diagonal:
        axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
        axes.set_ylim(0, 1)
    axes.plot(x, y, marker="o" if diagonal else "", color="tab:blue")
    axes.set(xlabel=x_label, ylabel=y_label, xlim=(0, 1))
    axes.grid(alpha=0.3)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
