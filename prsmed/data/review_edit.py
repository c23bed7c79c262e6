"""Does an edited answer still name the place that the mask shows?"""

from __future__ import annotations

import re

from prsmed.data.schema import Turn
from prsmed.position.agreement import compare
from prsmed.position.parser import parse

# Of an option; "A polyp" is no option, "A is right" is.
_LETTER = re.compile(r"\b(?:A(?! (?!(?:is|fits)\b)[a-z])|[B-H])\b")


def objection(turn: Turn, text: str) -> str | None:
    """What speaks against a new answer, in words for the one who wrote it.

    Its place is read by the parser and compared with the turn's true positions; so are nearness, where the text tells
    it of a single region, and the letter of a multiple choice. A wording that names no place may stay one.

    Args:
        turn: The question with its answer so far.
        text: The new answer.

    Returns:
        ``None`` when it says the same place.
    """
    letters = set(_LETTER.findall(text))
    if turn.letter is not None and letters != set(_LETTER.findall(turn.answer)) == {turn.letter}:
        return f"the right option is {turn.letter}, the new answer names {' and '.join(sorted(letters)) or 'none'}"
    new, old = compare(text, turn.positions), compare(turn.answer, turn.positions)
    if new.agrees is not True and new.text_zone != old.text_zone:
        return f"the new answer says {new.text_zone or 'no place'}, the mask says {new.mask_zone}"
    near = parse(text).near_center
    if len(turn.positions) == 1 and near is not None and near != turn.positions[0].near_center:
        words = ("far from", "near")
        return f"the new answer says {words[near]} the center, the mask is {words[not near]} it"
    return None
