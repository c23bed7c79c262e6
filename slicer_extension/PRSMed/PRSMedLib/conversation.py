"""Questions and answers about one volume, kept as JSON with the scene."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from PRSMedLib.answer import Answer
from PRSMedLib.i18n import tr as _
from PRSMedLib.problem import Problem

FORMAT = 1
ASKING, ANSWERED, INTERRUPTED, FAILED, CANCELLED = "asking", "answered", "interrupted", "failed", "cancelled"


@dataclass
class Turn:
    """A question and what became of it.

    Attributes:
        question: As typed.
        scope: What it was asked about, in words.
        asked: Local time, ISO 8601.
        state: ``"asking"``, ``"answered"``, ``"interrupted"`` (a mask came, the words did not), ``"failed"`` or
            ``"cancelled"``.
        answer: What came, as far as it came.
        problem: Why it failed.
        segmentIds: Segments that the mask became; none after an undo.
        digests: Of those segments as they came, to know later whether somebody has changed them.
        isUndone: Whether its segments were taken back.
    """

    question: str
    scope: str
    asked: str = field(default_factory=lambda: datetime.now().isoformat(timespec="seconds"))
    state: str = ASKING
    answer: Answer = field(default_factory=Answer)
    problem: str = ""
    segmentIds: list[str] = field(default_factory=list)
    digests: dict[str, int] = field(default_factory=dict)
    isUndone: bool = False


@dataclass
class Conversation:
    """The turns about a volume, oldest first.

    Attributes:
        turns: Questions and answers.
        serverId: What the server knows it by; ``None`` begins a new one there.
    """

    turns: list[Turn] = field(default_factory=list)
    serverId: str | None = None

    def toJson(self) -> str:
        """One line of JSON."""
        turns = [{**asdict(turn), "answer": turn.answer.toJson()} for turn in self.turns]
        return json.dumps({"format": FORMAT, "serverId": self.serverId, "turns": turns}, ensure_ascii=False)

    @classmethod
    def fromJson(cls, text: str) -> Conversation:
        """Read what :meth:`toJson` wrote; what was still being asked then was interrupted.

        Raises:
            Problem: ``bad_conversation`` for anything else.
        """
        try:
            kept = json.loads(text)
            if kept["format"] > FORMAT:
                raise Problem(
                    "newer_conversation",
                    _("This scene's conversation is from a newer PRS-Med; update the extension to read it."),
                )
            return cls([_turn(each) for each in kept["turns"]], kept.get("serverId"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Problem("bad_conversation", _("The conversation kept in this scene is damaged.")) from error

    def lastUndoable(self) -> Turn | None:
        """The newest turn whose segments are there."""
        return next((turn for turn in reversed(self.turns) if turn.segmentIds and not turn.isUndone), None)


def _turn(kept: Mapping[str, Any]) -> Turn:
    known = {name: kept[name] for name in Turn.__dataclass_fields__ if name in kept}
    turn = Turn(**{**known, "answer": Answer.fromJson(kept.get("answer", {}))})
    if turn.state == ASKING:
        turn.state = INTERRUPTED
    return turn
