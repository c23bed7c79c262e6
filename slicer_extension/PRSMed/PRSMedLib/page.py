"""A conversation as a page for the panel's text browser. Links: ``finding:TURN/NUMBER``."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from PRSMedLib import conversation
from PRSMedLib.answer import AGREE, DISAGREE, NOT_COMPARED, NOT_PRESENT, Answer, badge
from PRSMedLib.conversation import Turn
from PRSMedLib.i18n import tr as _

# Dark text on light ground and the sign tell the verdict apart without colours too.
_BADGES = {
    AGREE: ("#1b5e20", "#c8e6c9", "✓"),
    DISAGREE: ("#8a1c00", "#ffd6c9", "≠"),
    NOT_PRESENT: ("#37474f", "#dfe5e8", "∅"),
    NOT_COMPARED: ("#5d4a00", "#fff0b8", "?"),
}


def conversationPage(turns: Iterable[Turn]) -> str:
    """HTML of the turns, oldest first; a hint when there are none."""
    parts = [_turn(number, turn) for number, turn in enumerate(turns)]
    return "".join(parts) or f"<p><i>{escape(_('Questions and answers about this volume appear here.'))}</i></p>"


def target(link: str, turns: list[Turn]) -> tuple[Turn, int] | None:
    """The turn and the number of the finding that a link names."""
    scheme, _separator, place = link.partition(":")
    numbers = place.split("/")
    if scheme != "finding" or len(numbers) != 2 or not all(number.isdigit() for number in numbers):
        return None
    turn, finding = (int(number) for number in numbers)
    isThere = turn < len(turns) and finding < len(turns[turn].answer.findings)
    return (turns[turn], finding) if isThere else None


def _turn(number: int, turn: Turn) -> str:
    lines = [
        f'<p style="margin-top:10px"><b>{escape(turn.question)}</b> <small>({escape(turn.scope)})</small></p>',
        f"<p>{escape(turn.answer.text)}{_state(turn)}</p>",
    ]
    if turn.state == conversation.ANSWERED:
        lines.append(f"<p>{_badge(turn.answer)}</p>")
    if turn.answer.findings:
        items = [_finding(number, n, turn) for n in range(len(turn.answer.findings))]
        lines.append(f"<ul>{''.join(items)}</ul>")
    return "".join(lines)


def _state(turn: Turn) -> str:
    if turn.state == conversation.ASKING:
        return " …"
    if turn.state == conversation.CANCELLED:
        return f" <i>{escape(_('Cancelled.'))}</i>"
    if turn.state == conversation.INTERRUPTED:
        kept = (
            _("The answer is not complete; the mask was kept.") if turn.segmentIds else _("The answer is not complete.")
        )
        return f" <i>{escape(kept)} {escape(turn.problem)}</i>"
    return f'<span style="color:#b3261e">{escape(turn.problem)}</span>' if turn.problem else ""


def _badge(answer: Answer) -> str:
    color, ground, sign = _BADGES[answer.verdict]
    text = f"{sign} {badge(answer)}"
    if answer.probability is not None:
        text += ", " + _("probability of presence {0:.2f}").format(answer.probability)
    return f'<span style="color:{color};background-color:{ground}">&nbsp;{escape(text)}&nbsp;</span>'


def _finding(turnNumber: int, number: int, turn: Turn) -> str:
    finding = turn.answer.findings[number]
    text = f"{finding.name}: {finding.place}; {finding.size}"
    if turn.isUndone:
        return f"<li><s>{escape(text)}</s></li>"
    return f'<li><a href="finding:{turnNumber}/{number}">{escape(text)}</a></li>'
