"""What a judge is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prsmed.errors import PRSMedError
from prsmed.evaluation.outcome import Outcome

SHIPPED = Path(__file__).parent / "prompts.yaml"
_PLACES = ("question", "truth", "answer")
_PLACE = re.compile(r"\{(question|truth|answer)\}")


@dataclass(frozen=True)
class Prompt:
    """One wording of the request to judge.

    Attributes:
        name: Short and unique.
        text: With ``{question}``, ``{truth}`` and ``{answer}``, each once.
    """

    name: str
    text: str

    def fill(self, outcome: Outcome) -> str:
        """The request for one answer; braces inside question, truth or answer stay as they are."""
        values = {"question": outcome.question, "truth": outcome.true_answer, "answer": outcome.text or ""}
        return _PLACE.sub(lambda place: values[place[1]].strip(), self.text)


def load_prompts(path: Path | None = None) -> tuple[Prompt, ...]:
    """Read a user's prompts, or ours: three wordings in the papers' scheme (specialist, doctor, doctor at the image).

    Args:
        path: YAML of the form of the shipped ``prompts.yaml``.

    Raises:
        PRSMedError: ``missing_prompts`` or ``bad_prompts``, with what is wrong and the cure.
    """
    file = SHIPPED if path is None else path
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise PRSMedError("missing_prompts", f"no readable file {file}; name a YAML file in UTF-8") from None
    except yaml.YAMLError as error:
        raise _bad(file, f"is no YAML ({' '.join(str(error).split())})") from None
    rows = content.get("prompts") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise _bad(file, "has no list 'prompts'")
    prompts = tuple(_prompt(row, number, file) for number, row in enumerate(rows, start=1))
    names = [prompt.name for prompt in prompts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise _bad(file, f"has two prompts named {min(twice)!r}")
    return prompts


def _prompt(row: Any, number: int, file: Path) -> Prompt:
    if not isinstance(row, dict) or set(row) != {"name", "text"} or not all(isinstance(v, str) for v in row.values()):
        raise _bad(file, f"prompt {number} is not a name and a text")
    if not row["name"].strip():
        raise _bad(file, f"prompt {number} has no name")
    found = _PLACE.findall(row["text"])
    for place in _PLACES:
        if found.count(place) != 1:
            raise _bad(file, f"prompt {row['name']!r} holds {{{place}}} {found.count(place)} times, not once")
    return Prompt(row["name"], row["text"])


def _bad(file: Path, what: str) -> PRSMedError:
    return PRSMedError("bad_prompts", f"{file.name}: {what}; docs/judges.md shows the form")
