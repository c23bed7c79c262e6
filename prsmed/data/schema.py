"""The one form of a conversation about an image: in memory, and as a line of JSON (docs/data.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from prsmed.data.record import Record
from prsmed.errors import PRSMedError
from prsmed.position.findings import Position
from prsmed.position.zones import Rule

SCHEMA = "prsmed.conversation/1"
Kind = Literal[
    "position",  # where is it
    "absent",  # asked for something that is not there
    "choice",  # where is it, four options
    "yes_no",  # is it in the left half
    "referring",  # the one in the bottom right, of several
    "size",  # how large is it
    "count",  # how many are there
    "patient_side",  # on which side of the patient
    "dialogue",  # several turns, from an explicit to an implicit request
]
KINDS: tuple[Kind, ...] = (
    "position",
    "absent",
    "choice",
    "yes_no",
    "referring",
    "size",
    "count",
    "patient_side",
    "dialogue",
)
Verdict = Literal["accepted", "edited", "rejected"]


@dataclass(frozen=True)
class Turn:
    """One question with its true answer.

    Attributes:
        question: As typed by a person; a multiple-choice question holds its options.
        answer: What should be said.
        target: The name asked for.
        present: Whether it is in the image.
        positions: Where the regions are that the answer is about, largest first; empty when absent.
        regions: Which regions of the mask those are, 0 the largest; ``None`` for the whole mask.
        options: The choices of a multiple-choice question, in their order; else ``()``.
        letter: The right one, ``"A"`` the first; ``None`` without options.
        template: Where the wording comes from, ``"<kind>/<number>"``; ``"user/<number>"`` of a user's file.
    """

    question: str
    answer: str
    target: str
    present: bool
    positions: tuple[Position, ...]
    regions: tuple[int, ...] | None = None
    options: tuple[str, ...] = ()
    letter: str | None = None
    template: str = ""


@dataclass(frozen=True)
class Review:
    """What a reader made of a conversation: the papers' "refined by physicians".

    Attributes:
        verdict: ``"accepted"``, ``"edited"`` or ``"rejected"``.
        by: Who, as they call themselves.
        at: When, ISO 8601 in UTC.
    """

    verdict: Verdict
    by: str
    at: str


@dataclass(frozen=True)
class Conversation:
    """One conversation about one image.

    Attributes:
        id: Unique in its file, e.g. ``"val-00012"``.
        kind: What kind of question it is.
        record: The image asked about.
        turns: At least one.
        rule: Position rule of its zones.
        radius: Near-centre radius as a share of the width.
        review: ``None`` until somebody has read it.
    """

    id: str
    kind: Kind
    record: Record
    turns: tuple[Turn, ...]
    rule: Rule = "box"
    radius: float = 0.1
    review: Review | None = None

    @property
    def turn(self) -> Turn:
        """The first turn."""
        return self.turns[0]


def to_line(conversation: Conversation) -> str:
    """One line of ``conversations.jsonl``, without its end."""
    fields = asdict(conversation)
    turns = fields.pop("turns")
    fields["messages"] = [message for turn in turns for message in _messages(turn)]
    return json.dumps({"schema": SCHEMA, **fields}, ensure_ascii=False)


def from_line(line: str) -> Conversation:
    """Rebuild from :func:`to_line`.

    Raises:
        ValueError: It is not one.
    """
    fields = json.loads(line)
    try:
        if fields.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        messages = fields.pop("messages")
        pairs = zip(messages[::2], messages[1::2], strict=True)
        turns = tuple(_turn(user, assistant) for user, assistant in pairs)
        if not turns:
            raise ValueError("no turn")
        record: dict[str, Any] = fields["record"]
        record |= {name: tuple(value) for name, value in record.items() if isinstance(value, list)}
        review = fields["review"]
        return Conversation(
            **{**fields, "record": Record(**record), "turns": turns, "review": review and Review(**review)}
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None


def read_conversations(path: Path) -> Iterator[Conversation]:
    """Read a ``conversations.jsonl``, one line at a time.

    Raises:
        PRSMedError: ``missing_conversations`` or ``bad_conversation``.
    """
    if not path.is_file():
        raise PRSMedError("missing_conversations", f"no file {path}; write it with 'prsmed data build'")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield from_line(line.decode())
            except ValueError:
                raise PRSMedError(
                    "bad_conversation",
                    f"line {number} of {path.name} is no conversation of {SCHEMA}; build the file anew",
                ) from None


def _messages(turn: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    user = {"role": "user", "text": turn["question"], "template": turn["template"], "options": turn["options"]}
    assistant = {
        "role": "assistant",
        "text": turn["answer"],
        "letter": turn["letter"],
        "target": turn["target"],
        "present": turn["present"],
        "masks": {"regions": turn["regions"]} if turn["present"] else None,
        "zones": turn["positions"],
    }
    return user, assistant


def _turn(user: dict[str, Any], assistant: dict[str, Any]) -> Turn:
    if (user["role"], assistant["role"]) != ("user", "assistant"):
        raise ValueError("user and assistant must alternate")
    regions = (assistant["masks"] or {}).get("regions")
    return Turn(
        question=user["text"],
        answer=assistant["text"],
        target=assistant["target"],
        present=assistant["present"],
        positions=tuple(Position(**zone) for zone in assistant["zones"]),
        regions=None if regions is None else tuple(regions),
        options=tuple(user["options"]),
        letter=assistant["letter"],
        template=user["template"],
    )
