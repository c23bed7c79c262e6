"""A sheet of answers for a human judge: written blank, read back filled in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np

from prsmed.errors import PRSMedError
from prsmed.evaluation.outcome import Outcome

COLUMNS = ("id", "question", "truth", "answer", "same_place")
_CURE = "use the sheet that was drawn from this evaluation"
_WORDS = {"yes": True, "y": True, "no": False, "n": False}


def write_sheet(outcomes: Sequence[Outcome], out: Path, count: int, seed: int) -> int:
    """Draw answers, of every modality as many as can be, and write them in random order without any verdict.

    Args:
        outcomes: Those without words are not drawn.
        out: CSV in UTF-8; it must not exist, for it may hold someone's work.
        count: How many answers.
        seed: Another seed draws others.

    Returns:
        How many were drawn: ``count``, or all there are.

    Raises:
        PRSMedError: ``sheet_exists``; ``no_words`` when no answer has words.
    """
    if out.exists():
        raise PRSMedError("sheet_exists", f"{out} is there already and may be filled in; name another file")
    drawn = _draw([outcome for outcome in outcomes if outcome.text is not None], count, np.random.default_rng(seed))
    if not drawn:
        raise PRSMedError("no_words", "no answer has words, so there is nothing to judge; evaluate what speaks")
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8-sig") as file:  # with the mark by which Excel knows UTF-8
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([outcome.id, outcome.question, outcome.true_answer, outcome.text, ""] for outcome in drawn)
    return len(drawn)


def read_sheet(path: Path, outcomes: Sequence[Outcome]) -> dict[str, bool]:
    """Read a human's verdicts.

    Args:
        path: A sheet of :func:`write_sheet`; ``same_place`` holds yes or no, or is blank where nobody judged.
        outcomes: The answers it was drawn from.

    Returns:
        Verdict by id; blank rows are left out.

    Raises:
        PRSMedError: ``bad_sheet`` with line, value and cure.
    """
    answers = {outcome.id: outcome.text or "" for outcome in outcomes}
    verdicts: dict[str, bool | None] = {}
    rows = _rows(path)
    for row in rows:
        if not any(row.values()):
            continue
        where = f"line {rows.line_num} of {path.name}"
        name = (row["id"] or "").strip()
        if name in verdicts:
            raise PRSMedError("bad_sheet", f"{where}: id {name!r} stands there twice; keep one of the two")
        verdicts[name] = _verdict(name, row, answers, where)
    return {name: verdict for name, verdict in verdicts.items() if verdict is not None}


def _draw(outcomes: Sequence[Outcome], count: int, rng: np.random.Generator) -> list[Outcome]:
    """In turn from every modality, at random within it; then mixed, so that order tells nothing."""
    by_modality: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_modality.setdefault(outcome.modality, []).append(outcome)
    shuffled = [[own[i] for i in rng.permutation(len(own))] for _, own in sorted(by_modality.items())]
    in_turn = [outcome for turn in zip_longest(*shuffled) for outcome in turn if outcome is not None]
    drawn = in_turn[:count]
    return [drawn[i] for i in rng.permutation(len(drawn))]


def _rows(path: Path) -> csv.DictReader[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise PRSMedError("bad_sheet", f"no readable file {path}; name a CSV file in UTF-8") from None
    header = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",")  # some Excels use ;
    if missing := [column for column in COLUMNS if column not in (rows.fieldnames or ())]:
        raise PRSMedError("bad_sheet", f"{path.name} has no column {missing[0]!r}; keep the sheet's first line")
    return rows


def _verdict(name: str, row: Mapping[str, str | None], answers: Mapping[str, str], where: str) -> bool | None:
    if name not in answers:
        raise PRSMedError(
            "bad_sheet", f"{where}: id {name!r} is not among the answers; use the sheet of this evaluation"
        )
    if (row["answer"] or "").split() != answers[name].split():
        message = f"{where}: the answer is not what was answered to {name!r}; use the sheet of this evaluation"
        raise PRSMedError("bad_sheet", message)
    word = (row["same_place"] or "").strip().lower()
    if word and word not in _WORDS:
        raise PRSMedError("bad_sheet", f"{where}: same_place is {word!r}; write yes or no, or leave it blank")
    return _WORDS.get(word)
