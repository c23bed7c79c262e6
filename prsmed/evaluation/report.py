"""What an evaluation found, and the files it leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from prsmed.evaluation.beside import published_tables
from prsmed.evaluation.choice import ChoiceOutcome, choice_tables
from prsmed.evaluation.figure import Figure
from prsmed.evaluation.mask_figures import mask_figures
from prsmed.evaluation.measures import Measure
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.outcome_file import write_outcomes
from prsmed.evaluation.page import write_page
from prsmed.evaluation.pictures import Picture
from prsmed.evaluation.position_tables import position_tables
from prsmed.evaluation.presence_report import calibration_figures, calibration_tables
from prsmed.evaluation.summary import Row
from prsmed.evaluation.tables import Table, tables, to_markdown
from prsmed.model.checkpoint import Manifest

JSON, MARKDOWN, HTML = "report.json", "report.md", "report.html"
OUTCOMES, CHOICES, SIDES = "outcomes.jsonl", "choices.jsonl", "sides.jsonl"


@dataclass(frozen=True)
class Evaluation:
    """A model's answers to a list of questions, judged.

    Attributes:
        model: What answered.
        list_sha256: Hash of the list of questions.
        outcomes: One an answer, in the list's order.
        measures: What was counted.
        summary: Estimates by measure and modality.
        constants: The constant answer of each modality, in words.
        choices: One an answer to a multiple-choice question.
        sides: One an answer to a question for the patient's side.
    """

    model: Manifest
    list_sha256: str
    outcomes: tuple[Outcome, ...]
    measures: tuple[Measure, ...]
    summary: dict[str, Row]
    constants: dict[str, str]
    choices: tuple[ChoiceOutcome, ...] = ()
    sides: tuple[Outcome, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the single answers."""
        return {
            "model": {"kind": self.model.kind, "version": self.model.version, "sha256": self.model.sha256},
            "list": {"sha256": self.list_sha256, "questions": len(self.outcomes)},
            "measures": {measure.name: measure.meaning for measure in self.measures},
            "constants": self.constants,
            "summary": {
                name: {part: asdict(estimate) for part, estimate in row.items()} for name, row in self.summary.items()
            },
            "tables": {table.title: table.to_json() for table in self._further_tables},
        }

    def tables(self) -> list[Table]:
        """The tables of the report."""
        return [
            *tables(self.measures, self.summary, self.outcomes),
            *self._further_tables,
        ]

    def figures(self) -> list[Figure]:
        """The figures of the report."""
        return [*mask_figures(self.outcomes), *calibration_figures(self.outcomes)]

    @cached_property
    def _further_tables(self) -> list[Table]:
        """Those that are not of measures. Kept, since each is asked for several times and draws 10,000 times."""
        return [
            *position_tables(self.outcomes, self.sides),
            *choice_tables(self.choices),
            *calibration_tables(self.outcomes),
            *published_tables(self.summary),
        ]

    @property
    def title(self) -> str:
        """One line: which weights answered how many questions of which list."""
        return (
            f"{self.model.version} ({self.model.kind}, weights {self.model.sha256[:12]}) on "
            f"{len(self.outcomes)} questions (list {self.list_sha256[:12]})"
        )

    def to_markdown(self) -> str:
        """Title, tables and what their columns mean."""
        return to_markdown(self.title, self.tables(), self.constants)


def write_report(evaluation: Evaluation, pictures: Sequence[Picture], out: Path) -> None:
    """Write ``report.json``, ``report.md``, ``report.html`` and, one answer a line, ``outcomes.jsonl``.

    Likewise answers to multiple choice, ``choices.jsonl``, and to questions for the patient's side, ``sides.jsonl``, if
    there are any.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / JSON).write_text(json.dumps(evaluation.to_json(), indent=2) + "\n", encoding="utf-8")
    write_outcomes(evaluation.outcomes, out / OUTCOMES)
    further: dict[str, Sequence[Outcome | ChoiceOutcome]] = {CHOICES: evaluation.choices, SIDES: evaluation.sides}
    for name, answers in further.items():
        (out / name).unlink(missing_ok=True)  # of an earlier run
        if answers:
            write_outcomes(answers, out / name)
    (out / MARKDOWN).write_text(evaluation.to_markdown(), encoding="utf-8")
    page = write_page(evaluation.title, evaluation.tables(), evaluation.constants, evaluation.figures(), pictures)
    (out / HTML).write_text(page, encoding="utf-8")
