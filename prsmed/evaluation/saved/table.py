"""``predictions.csv``: one line an answer."""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from prsmed.errors import PRSMedError

PREDICTIONS = "predictions.csv"
_NEEDED, _OPTIONAL = ("id", "mask"), ("answer", "presence")
_SHOWN = 3


@dataclass(frozen=True)
class Row:
    """What a system answered to one question.

    Attributes:
        id: The question's.
        mask: Path of the mask, below the folder of the table; ``None`` for "nothing is there".
        answer: Its words; ``None`` for a system without any.
        presence: Probability that the target is there; ``None`` for a system that does not say.
    """

    id: str
    mask: str | None
    answer: str | None
    presence: float | None


def read_table(folder: Path, asked: Collection[str]) -> dict[str, Row]:
    """Read the answers to every question of a list.

    Args:
        folder: Holds ``predictions.csv`` with columns ``id``, ``mask`` and, as far as the system has them, ``answer``
            and ``presence``.
        asked: Ids of the questions.

    Raises:
        PRSMedError: ``missing_predictions`` without the table or for questions without an answer;
            ``bad_predictions`` for a damaged table, a line that cannot be used, an id not asked or answered twice.
    """
    rows: dict[str, Row] = {}
    for line, values in _lines(folder / PREDICTIONS):
        row = _row(line, values)
        if row.id in rows:
            raise _bad(line, f"answers {row.id} a second time; keep one answer a question")
        rows[row.id] = row
    strangers = [name for name in rows if name not in set(asked)]
    if strangers:
        raise PRSMedError(
            "bad_predictions",
            f"{len(strangers)} of {len(rows)} ids were not asked ({_few(strangers)}); was another list answered?",
        )
    missing = [name for name in asked if name not in rows]
    if missing:
        raise PRSMedError(
            "missing_predictions",
            f"{len(missing)} of {len(asked)} questions have no line ({_few(missing)}); none is left out, so "
            "answer all; an empty mask cell says that nothing is there",
        )
    return rows


def _lines(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(reader.fieldnames or ())
            return [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise PRSMedError(
            "missing_predictions", f"no {PREDICTIONS} in {path.parent}; docs/other-systems.md says what it holds"
        ) from None
    except (OSError, ValueError, csv.Error) as error:
        raise PRSMedError("bad_predictions", f"{PREDICTIONS} cannot be read: {error}; write it as UTF-8 CSV") from error


def _check_columns(found: Collection[str]) -> None:
    missing = [name for name in _NEEDED if name not in found]
    unknown = [name for name in found if name not in (*_NEEDED, *_OPTIONAL)]
    if missing or unknown or len(set(found)) < len(found):
        raise PRSMedError(
            "bad_predictions",
            f"{PREDICTIONS} has the columns {', '.join(found) or 'none'}; it needs {', '.join(_NEEDED)} and may have "
            f"{', '.join(_OPTIONAL)}, each once",
        )


def _row(line: int, values: dict[str, str]) -> Row:
    if None in values or None in values.values():
        raise _bad(line, "has more or fewer cells than the head; quote commas")
    if not values["id"]:
        raise _bad(line, "has no id; copy it from the questions")
    presence = values.get("presence")
    return Row(
        id=values["id"],
        mask=values["mask"] or None,
        answer=values.get("answer"),
        presence=None if presence is None else _probability(line, presence),
    )


def _probability(line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise _bad(line, f"has presence {text!r}; give a probability within 0..1, or leave the column out")
    return value


def _bad(line: int, what: str) -> PRSMedError:
    return PRSMedError("bad_predictions", f"{PREDICTIONS} line {line} {what}")


def _few(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
