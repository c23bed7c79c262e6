"""A report's answers, read back, and whether two reports answered the same questions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from prsmed.errors import PRSMedError
from prsmed.evaluation.outcome import Outcome
from prsmed.evaluation.outcome_file import read_outcomes
from prsmed.evaluation.report import JSON, OUTCOMES

_NAMED = 3
_TRUTH = ("modality", "group", "question", "present", "true_place")


@dataclass(frozen=True)
class Answers:
    """What one system answered.

    Attributes:
        name: Folder and version.
        list_sha256: Hash of the list of questions.
        outcomes: By the question's id, in the list's order.
    """

    name: str
    list_sha256: str
    outcomes: dict[str, Outcome]


def read_answers(folder: Path) -> Answers:
    """Read a folder that ``prsmed evaluate --out`` wrote.

    Raises:
        PRSMedError: ``missing_report`` or ``bad_report`` for its ``report.json``, ``incomplete_report`` when it counts
            other answers than the folder holds; what :func:`~prsmed.evaluation.outcome_file.read_outcomes` raises.
    """
    path = folder / JSON
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version, sha256 = str(values["model"]["version"]), str(values["list"]["sha256"])
        questions = int(values["list"]["questions"])
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PRSMedError(
            "missing_report", f"{path} does not exist; name a folder of `prsmed evaluate --out`"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PRSMedError("bad_report", f"{path} is no report; run `prsmed evaluate --out` anew") from error
    outcomes = read_outcomes(folder / OUTCOMES)
    if len(outcomes) != questions:
        raise PRSMedError(
            "incomplete_report",
            f"{folder} holds {len(outcomes)} answers, its report counts {questions}; run `prsmed evaluate --out` anew",
        )
    return Answers(f"{folder.resolve().name} ({version})", sha256, {outcome.id: outcome for outcome in outcomes})


def check_same_questions(reference: Answers, other: Answers) -> None:
    """Refuse to compare answers to different questions.

    Raises:
        PRSMedError: ``other_questions``, naming how many and which ids one lacks; ``other_list`` for equal ids with
            another list or truth.
    """
    for one, two in ((reference, other), (other, reference)):
        if missing := [name for name in one.outcomes if name not in two.outcomes]:
            raise PRSMedError(
                "other_questions",
                f"{two.name} lacks {len(missing)} of the {len(one.outcomes)} questions of {one.name} "
                f"({_some(missing)}); evaluate both on one list (--conversations)",
            )
    changed = [name for name, outcome in reference.outcomes.items() if _truth(outcome) != _truth(other.outcomes[name])]
    if changed or reference.list_sha256 != other.list_sha256:
        what = f"{len(changed)} questions differ ({_some(changed)})" if changed else "equal ids, but another file"
        raise PRSMedError(
            "other_list",
            f"{reference.name} and {other.name} answered the lists {reference.list_sha256[:12]} and "
            f"{other.list_sha256[:12]}: {what}; evaluate both on one list (--conversations)",
        )


def _truth(outcome: Outcome) -> tuple[object, ...]:
    return tuple(getattr(outcome, name) for name in _TRUTH)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
