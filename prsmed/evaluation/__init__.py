"""Evaluation: ask a model a fixed list of questions, judge masks and words, report."""

from prsmed.evaluation.outcome import Answered, Outcome, Prediction, judge
from prsmed.evaluation.progress import Progress
from prsmed.evaluation.report import Evaluation, write_report
from prsmed.evaluation.run import evaluate, questions
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
    "questions",
    "tables",
    "to_terminal",
    "write_report",
]
