"""A conversation as text for a report."""

from __future__ import annotations

from collections.abc import Iterable

from PRSMedLib.answer import NOT_PRESENT, badge
from PRSMedLib.conversation import ANSWERED, Turn
from PRSMedLib.i18n import tr as _


def disclaimer() -> str:
    """What stands in the panel and under every report."""
    return _("Research use only. Not a medical device.")


def isReportable(turn: Turn) -> bool:
    """Whether an answer is whole; half of one could say the opposite."""
    return turn.state == ANSWERED


def reportText(turns: Iterable[Turn]) -> str:
    """Answered questions with findings, sizes and verdict, as plain text."""
    parts = [_turnText(turn) for turn in turns if isReportable(turn)]
    return "\n\n".join([*parts, _("PRS-Med. {0}").format(disclaimer())])


def _turnText(turn: Turn) -> str:
    answer = turn.answer
    lines = [f"{turn.question} ({turn.scope})", answer.text]
    if answer.verdict != NOT_PRESENT:
        lines += [f"- {finding.name}: {finding.place}; {finding.size}" for finding in answer.findings]
    if turn.isUndone:
        lines.append(_("The mask of this answer was taken back."))
    lines.append(_("Check: {0}. Model {1}, {2}.").format(badge(answer), answer.version, turn.asked.replace("T", " ")))
    return "\n".join(lines)
