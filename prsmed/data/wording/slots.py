"""Which lists of wordings there are, and what each wording has to say."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Literal

from prsmed.data.wording.words import VERBS

Tells = Literal["question", "place", "measure", "absence", "layout"]
NAME = frozenset({"target", "the", "some", "one", "many"})
TOLD = frozenset({"said", "place"})
_ALWAYS = NAME | {"be", "it", "them", "its", "own", "here"} | VERBS.keys()
_LETTERS = tuple(frozenset({letter}) for letter in "abcd")


@dataclass(frozen=True)
class Slot:
    """A list of wordings that may stand for each other.

    Attributes:
        tells: Whether they ask, name the place, name a measure (the place too, if they like), deny, or list options.
        needs: Of each of these sets every wording uses at least one placeholder.
        extra: Placeholders a wording may use besides these and those about the target's name.
        opening: What every wording starts with.
    """

    tells: Tells
    needs: tuple[frozenset[str], ...] = ()
    extra: frozenset[str] = frozenset()
    opening: str = ""

    @property
    def allowed(self) -> frozenset[str]:
        """All placeholders, in lower case."""
        return frozenset().union(_ALWAYS if self.tells != "layout" else (), self.extra, *self.needs)


def _set(*words: str) -> frozenset[str]:
    return frozenset(words)


_PLACE = Slot("place", (TOLD,))
_ABSENT = Slot("absence", (NAME | {"said"},))
SLOTS: dict[str, dict[str, Slot]] = {
    "position": {"questions": Slot("question", (NAME,)), "answers": _PLACE},
    "absent": {"answers": _ABSENT},
    "choice": {
        "questions": Slot("question", (NAME, _set("options"))),
        "layouts": Slot("layout", _LETTERS),
        "answers": Slot("place", (_set("letter"), TOLD)),
    },
    "yes_no": {
        "questions": Slot("question", (NAME, _set("where"))),
        "agree": Slot("place", (TOLD,), opening="Yes"),
        "disagree": Slot("place", (TOLD,), opening="No"),
    },
    "referring": {"questions": Slot("question", (_set("one"), _set("where"))), "answers": _PLACE},
    "size": {
        "questions": Slot("question", (NAME,)),
        "share_questions": Slot("question", (NAME,)),
        "answers": Slot("measure", (_set("long"), _set("area")), TOLD),
        "largest": Slot("measure", (_set("long"), _set("area")), TOLD),
        "share_answers": Slot("measure", (_set("share"),), TOLD),
    },
    "count": {
        "questions": Slot("question", (NAME,)),
        "answers": Slot("place", (_set("count"), TOLD), _set("regions", "are")),
        "none": _ABSENT,
    },
    "patient_side": {"questions": Slot("question", (NAME,)), "answers": _PLACE},
    "dialogue": {
        "explicit": Slot("question", (NAME,)),
        "again": Slot("question"),
        "narrow": Slot("question", (_set("one"), _set("where"))),
        "implicit": Slot("question"),
        "lungs": Slot("question"),
        "answers": _PLACE,
        "none": _ABSENT,
    },
}
"""The lists of each section. Sections are kinds of conversation; a mismatched question is asked as a position one."""


def placeholders(template: str) -> list[str]:
    """Names in braces, in order.

    Raises:
        ValueError: Braces that do not match, or more in them than a name.
    """
    names = []
    for _, name, spec, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if spec or conversion or not name.isidentifier():
            raise ValueError(name)
        names.append(name)
    return names
