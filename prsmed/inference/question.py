"""What may be asked."""

from __future__ import annotations

import unicodedata

from prsmed.errors import PRSMedError

MAX_CHARACTERS = 2000


def check_question(text: str) -> str:
    """Return the question without surrounding blanks.

    Words that look like a model's special tokens (``<image>``, ``</s>``) are ordinary text and stay as typed.

    Raises:
        PRSMedError: ``empty_question``, ``question_too_long`` or ``control_characters``.
    """
    question = text.strip()
    if not question:
        raise PRSMedError("empty_question", "the question is empty; ask something, e.g. 'Where is the tumour?'")
    if len(question) > MAX_CHARACTERS:
        raise PRSMedError(
            "question_too_long",
            f"the question has {len(question)} characters; at most {MAX_CHARACTERS} are read, so shorten it",
        )
    control = sorted(
        {f"U+{ord(c):04X}" for c in question if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t\r"}
    )
    if control:
        raise PRSMedError(
            "control_characters",
            f"the question holds control characters ({', '.join(control[:5])}); remove them",
        )
    return question
