"""The judged answers of a report, on disk: one a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from prsmed.errors import PRSMedError
from prsmed.evaluation.choice import ChoiceOutcome
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.place import Place
from prsmed.position.findings import ZONES

_TYPES = {name: get_args(hint) or (hint,) for name, hint in get_type_hints(Outcome).items()}
_REQUIRED = {field.name for field in fields(Outcome) if field.default is MISSING}


def write_outcomes(outcomes: Sequence[Outcome | ChoiceOutcome], path: Path) -> None:
    """Write answers in their order."""
    lines = [json.dumps(asdict(outcome), ensure_ascii=False) + "\n" for outcome in outcomes]
    path.write_text("".join(lines), encoding="utf-8")


def read_outcomes(path: Path) -> list[Outcome]:
    """Read answers in their order; fields that this version does not know are left out.

    Args:
        path: An ``outcomes.jsonl`` of a report.

    Raises:
        PRSMedError: ``missing_outcomes`` without the file, ``empty_outcomes`` when it holds none, ``bad_outcomes``
            for a damaged line, ``duplicate_id`` for an answer that stands there twice.
    """
    try:
        with path.open(encoding="utf-8") as file:  # ends lines at line feeds alone; an answer may hold other breaks
            lines = file.readlines()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PRSMedError("missing_outcomes", f"{path} does not exist; run `prsmed evaluate --out` first") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PRSMedError("bad_outcomes", f"{path} cannot be read as text; name an outcomes.jsonl") from error
    outcomes: dict[str, Outcome] = {}
    for number, line in enumerate(lines, start=1):
        outcome = _read_line(line, f"line {number} of {path}")
        if outcome.id in outcomes:
            raise PRSMedError(
                "duplicate_id", f"line {number} of {path} holds {outcome.id} a second time; write it anew"
            )
        outcomes[outcome.id] = outcome
    if not outcomes:
        raise PRSMedError("empty_outcomes", f"{path} holds no answer; run `prsmed evaluate --out` anew")
    return list(outcomes.values())


def _read_line(line: str, where: str) -> Outcome:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise PRSMedError("bad_outcomes", f"{where} is not JSON ({error.msg}); run the evaluation anew") from error
    if not isinstance(values, dict):
        raise PRSMedError("bad_outcomes", f"{where} is no JSON object; run the evaluation anew")
    if missing := sorted(_REQUIRED - values.keys()):
        raise PRSMedError("bad_outcomes", f"{where} lacks {', '.join(missing)}; run the evaluation anew")
    return Outcome(**{name: _value(name, values[name], where) for name in _TYPES if name in values})


def _value(name: str, value: Any, where: str) -> Any:
    types = _TYPES[name]
    if Place in types and isinstance(value, dict):
        zones, near = value.get("zones"), value.get("near")
        if isinstance(zones, list) and all(zone in ZONES for zone in zones) and near in (True, False, None):
            return Place(tuple(zones), near)
    elif float in types and type(value) is int:
        return float(value)
    elif type(value) in types:
        return value
    raise PRSMedError("bad_outcomes", f"{where} has {value!r} as {name}, which it cannot be; run the evaluation anew")
