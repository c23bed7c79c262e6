"""The tables of a report, and how they look in Markdown and in a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

import rich.table
import rich.text

from prsmed.evaluation.measures import Measure, Section
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.statistics import Estimate
from prsmed.evaluation.summary import MACRO, Counted, Grouped, Row, estimate_row

_NOTHING = "-"
# So many figures with their intervals fit side by side into a terminal of 80 characters.
_MOST_ACROSS = 7
Value = Mapping[str, float | None] | float | None


@dataclass(frozen=True)
class Cell:
    """A figure and, smaller, its interval, as shown; and the value behind them, unrounded, for machines."""

    figure: str
    interval: str = ""
    value: Value = None

    @classmethod
    def of(cls, estimate: Estimate | None) -> Cell:
        """An estimate with its interval; a dash when there is none."""
        if estimate is None:
            return cls(_NOTHING)
        return cls(f"{estimate.value:.3f}", _interval(estimate), asdict(estimate))

    @classmethod
    def with_n(cls, estimate: Estimate | None) -> Cell:
        """An estimate of fewer answers than its row counts; "n/a" when it applies to none."""
        if estimate is None:
            return cls("n/a", "n 0")
        cell = cls.of(estimate)
        return replace(cell, interval=f"{cell.interval} n {estimate.n} ({estimate.groups})")

    @classmethod
    def count(cls, n: int, groups: int) -> Cell:
        """So many answers, of so many groups."""
        return cls(str(n), f"({groups})", {"n": n, "groups": groups})

    @classmethod
    def count_of(cls, counted: Sequence[Grouped]) -> Cell:
        """How many there are, of how many groups."""
        return cls.count(len(counted), len({one.group for one in counted}))


@dataclass(frozen=True)
class Table:
    """A section of measures.

    Attributes:
        title: Of the section.
        header: One title a column.
        rows: One a modality, the macro mean last.
        legend: ``(column, meaning)`` of each measure.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    legend: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Values by row and column; ``None`` for a cell without one."""
        return {
            row[0].figure: {column: cell.value for column, cell in zip(self.header[1:], row[1:], strict=True)}
            for row in self.rows
        }


def tables(measures: Sequence[Measure], summary: Mapping[str, Row], outcomes: Sequence[Outcome]) -> list[Table]:
    """A table a section; measures that applied to no answer are left out."""
    made = []
    parts = [*sorted({outcome.modality for outcome in outcomes}), MACRO]
    for section in get_args(Section):
        shown = [measure for measure in measures if measure.section == section and measure.name in summary]
        if shown:
            header = ("Modality", "Present", "Absent", *(measure.title for measure in shown))
            rows = tuple(
                (*_counts(part, outcomes), *(_cell(measure, summary, part, outcomes) for measure in shown))
                for part in parts
            )
            legend = tuple((measure.title, measure.meaning) for measure in shown)
            made.append(Table(section, header, rows, legend))
    return made


def part_table(
    title: str, columns: Mapping[str, tuple[Callable[[Counted], float | None], str]], counted: Sequence[Counted]
) -> Table:
    """A row a modality, the macro mean last; each column the mean of a number, given with what it means."""
    estimates = [estimate_row(value, counted) for value, _ in columns.values()]
    rows = []
    for part in [*sorted({one.modality for one in counted}), MACRO]:
        own = [one for one in counted if part in (MACRO, one.modality)]
        figures = (Cell.of(row.get(part)) for row in estimates)
        rows.append((Cell(part.replace("_", " ")), Cell.count_of(own), *figures))
    legend = tuple((column, meaning) for column, (_, meaning) in columns.items())
    return Table(title, ("Modality", "Questions", *columns), tuple(rows), legend)


def to_markdown(title: str, made: Sequence[Table], constants: Mapping[str, str]) -> str:
    """A document of all tables."""
    lines = [f"# {title}", "", intervals_note(), ""]
    for table in made:
        lines += [f"## {table.title}", "", _line(table.header), _line(["---"] * len(table.header))]
        lines += [_line([f"{cell.figure} {cell.interval}".strip() for cell in row]) for row in table.rows]
        lines += ["", *(f"- **{column}**: {meaning}" for column, meaning in table.legend), ""]
    return "\n".join([*lines, constants_note(constants), ""])


def to_terminal(made: Sequence[Table]) -> list[rich.table.Table]:
    """Tables for a ``rich`` console, intervals below their figures, wide ones in parts one below the other."""
    shown = []
    for table in (part for whole in made for part in _parts(whole)):
        drawn = rich.table.Table(title=table.title, title_justify="left", pad_edge=False)
        for number, column in enumerate(table.header):
            drawn.add_column(column, justify="right" if number else "left")
        for number, row in enumerate(table.rows):
            # Figures hold brackets, which rich would read as markup.
            drawn.add_row(
                *(rich.text.Text(f"{cell.figure}\n{cell.interval}".strip()) for cell in row),
                end_section=number >= len(table.rows) - 2,
            )
        shown.append(drawn)
    return shown


def _parts(table: Table) -> list[Table]:
    """The columns of a table in runs of about the same length, each behind the first column."""
    count = len(table.header) - 1
    length = math.ceil(count / math.ceil(count / _MOST_ACROSS))
    runs = [slice(first, first + length) for first in range(1, count + 1, length)]
    return [
        replace(
            table,
            title=table.title if run.start == 1 else f"{table.title}, further columns",
            header=(table.header[0], *table.header[run]),
            rows=tuple((row[0], *row[run]) for row in table.rows),
        )
        for run in runs
    ]


def intervals_note() -> str:
    """What the brackets and counts are."""
    return (
        "Brackets: 95 % cluster-bootstrap intervals over groups (patients, videos, clusters). "
        "Counts: questions (groups); a figure is over the present, the absent or all of them, as its meaning says, "
        "or over the n beside it. Macro: mean over modalities."
    )


def constants_note(constants: Mapping[str, str]) -> str:
    """What the constant answers are."""
    answers = "; ".join(f"{modality}: {place}" for modality, place in constants.items())
    return f"Best constant answers on this list: {answers}." if answers else ""


def _counts(part: str, outcomes: Sequence[Outcome]) -> tuple[Cell, Cell, Cell]:
    own = [outcome for outcome in outcomes if part in (MACRO, outcome.modality)]
    present, absent = ([o for o in own if o.present == wanted] for wanted in (True, False))
    return Cell(part.replace("_", " ")), Cell.count_of(present), Cell.count_of(absent)


def _cell(measure: Measure, summary: Mapping[str, Row], part: str, outcomes: Sequence[Outcome]) -> Cell:
    """A figure, and over how many answers where the row's counts do not say it."""
    estimate = summary[measure.name].get(part)
    present = [outcome.present for outcome in outcomes if part in (MACRO, outcome.modality)]
    if estimate is None or estimate.n in (sum(present), len(present) - sum(present), len(present)):
        return Cell.of(estimate)
    return Cell.with_n(estimate)


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "[no interval]"
    return f"[{estimate.low:.2f}, {estimate.high:.2f}]"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
