"""Evaluation: ask a model a fixed list of questions, judge masks and words, report."""

from prsmed.evaluation.outcome import Answered, Outcome, Prediction, judge
from prsmed.evaluation.report import Evaluation, write_report
from prsmed.evaluation.run import Progress, evaluate
from prsmed.evaluation.statistics import Estimate
from prsmed.evaluation.tables import Table, tables, to_terminal

__all__ = [
    "Answered",
    "Estimate",
    "Evaluation",
    "Outcome",
    "Prediction",
    "Progress",
    "Table",
    "evaluate",
    "judge",
    "tables",
    "to_terminal",
    "write_report",
]
