"""How far presence probabilities can be trusted: calibration, ranking, and what abstaining would buy.

Each figure takes weights, one an answer (:mod:`~prsmed.evaluation.group_draws`); weights of 1 give the figure itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prsmed.evaluation.group_draws import Figured, Weights

BINS = 10
_Numbers = NDArray[np.float64]


def bins_of(probability: _Numbers, bins: int = BINS) -> NDArray[np.intp]:
    """The bin of each answer: bins of as many answers each, lowest probabilities first; equal ones stay in order."""
    rank = np.empty(len(probability), dtype=np.intp)
    rank[np.argsort(probability, kind="stable")] = np.arange(len(probability))
    return rank * min(bins, len(probability)) // len(probability)


def calibration_error(probability: _Numbers, is_true: _Numbers, bins: int = BINS) -> Figured:
    """Expected calibration error over equal-mass bins: mean gap of probability and frequency (Naeini et al., 2015)."""
    member = np.eye(min(bins, len(probability)))[bins_of(probability, bins)]
    gap = member * (probability - is_true)[:, None]

    def figure(weights: Weights) -> Weights:
        error: Weights = np.abs(weights @ gap).sum(axis=1) / weights.sum(axis=1)
        return error

    return figure


def brier(probability: _Numbers, is_true: _Numbers) -> Figured:
    """Brier score: mean square of probability less truth (Brier, 1950)."""
    square = (probability - is_true) ** 2

    def figure(weights: Weights) -> Weights:
        score: Weights = weights @ square / weights.sum(axis=1)
        return score

    return figure


def auroc(probability: _Numbers, is_true: _Numbers) -> Figured:
    """Chance that a present target has a higher probability than an absent one, ties counted half; NaN of one class."""
    order = np.argsort(probability, kind="stable")
    truth = is_true[order]
    firsts = np.flatnonzero(np.diff(probability[order], prepend=-np.inf))  # where each distinct probability begins

    def figure(weights: Weights) -> Weights:
        ordered = weights[:, order]
        positive = np.add.reduceat(ordered * truth, firsts, axis=1)
        negative = np.add.reduceat(ordered * (1 - truth), firsts, axis=1)
        below = np.cumsum(negative, axis=1) - negative / 2
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        won = (positive * below).sum(axis=1)
        area: Weights = np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
        return area

    return figure


def risk_area(confidence: _Numbers, is_wrong: _Numbers) -> Figured:
    """Area under the curve of error against coverage, surest answers first (AURC; Geifman et al., 2019)."""
    order = np.argsort(-confidence, kind="stable")
    wrong = is_wrong[order]

    def figure(weights: Weights) -> Weights:
        ordered = weights[:, order]
        answered = np.cumsum(ordered, axis=1)
        risk = np.cumsum(ordered * wrong, axis=1) / np.maximum(answered, 1)
        area: Weights = (ordered * risk).sum(axis=1) / answered[:, -1]
        return area

    return figure


def risk_curve(confidence: _Numbers, is_wrong: _Numbers) -> tuple[_Numbers, _Numbers]:
    """Coverage and share of wrong answers among the surest so many, ``(n,)`` each."""
    count = np.arange(1, len(confidence) + 1)
    wrong = is_wrong[np.argsort(-confidence, kind="stable")]
    return count / len(confidence), np.cumsum(wrong) / count
