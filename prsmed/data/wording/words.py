"""What fills the placeholders of a wording."""

from __future__ import annotations

from collections.abc import Sequence

from prsmed.position.findings import Position, Side
from prsmed.position.sentences import Frame, is_plural, write_answer, write_place

VERBS = {
    "do": "does",
    "lies": "lies",
    "covers": "covers",
    "fills": "fills",
    "has": "has",
    "measures": "measures",
    "shows": "shows",
    "spans": "spans",
}
"""Placeholders of verbs, with the form that goes with one thing."""
_MANY = VERBS | {"do": "do", "has": "have"}
_LATIN = {"hippocampus": "hippocampi", "nucleus": "nuclei", "thrombus": "thrombi", "bronchus": "bronchi"} | {
    "calculus": "calculi",
    "focus": "foci",
    "vertebra": "vertebrae",
    "sis": "ses",
}
_ENDINGS = {"stases": "stasis", "sses": "ss", "shes": "sh", "ches": "ch", "xes": "x", "ies": "y"}
_SOUNDS_LIKE_Y = ("uri", "ure", "uni", "ute")


def name_words(target: str, here: str) -> dict[str, str]:
    """Words about what is asked for, as english.yaml lists them, each also with a capital.

    Args:
        target: Its name, e.g. ``"polyp"``.
        here: Where to look, e.g. ``"on this image"``.
    """
    many = is_plural(target)
    the = f"the {target}"
    verbs = {verb: _plural(_MANY[verb]) if many else form for verb, form in VERBS.items()}
    return capitals(
        verbs
        | {
            "target": target,
            "the": the,
            "some": the if many else f"{_article(target)} {target}",
            "one": one_of(target),
            "many": target if many else many_of(target),
            "be": "are" if many else "is",
            "it": "they" if many else "it",
            "them": "them" if many else "it",
            "its": "they are" if many else "it is",
            "own": "their" if many else "its",
            "here": here,
        }
    )


def place_words(
    positions: Sequence[Position],
    target: str,
    variant: int,
    sides: Sequence[Side | None] = (),
    frame: Frame = "image",
) -> dict[str, str]:
    """``{said}`` and, where there is one, ``{place}``, each also with a capital.

    Args:
        positions: Where it is; empty when it is not there.
        target: Its name.
        variant: Wording of the sentence.
        sides: As in :func:`~prsmed.position.sentences.write_answer`.
        frame: As in :func:`~prsmed.position.sentences.write_answer`.
    """
    sentence = write_answer(positions, target, sides=sides, frame=frame, variant=variant).removesuffix(".")
    for opening in ("Yes, ", "No, "):  # that is for the wording around it to say
        sentence = sentence.removeprefix(opening)
    said = sentence if sentence.startswith("I ") else sentence[0].lower() + sentence[1:]
    words = {"said": said}
    if positions:
        words["place"] = write_place(positions, sides=sides, frame=frame)
    return capitals(words)


def capitals(words: dict[str, str]) -> dict[str, str]:
    """The words, and each again under a capital with one: ``{"the": "the polyp", "The": "The polyp"}``."""
    return words | {key.capitalize(): text[:1].upper() + text[1:] for key, text in words.items()}


def many_of(name: str) -> str:
    """Plural of a singular name: ``"mass"`` is ``"masses"``, ``"metastasis"`` is ``"metastases"``."""
    for ending, plural in _LATIN.items():
        if name.endswith(ending):
            return name.removesuffix(ending) + plural
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"


def one_of(name: str) -> str:
    """What one region of a target is called: ``"lung"`` of ``"lungs"``."""
    if not is_plural(name):
        return name
    if name.endswith("s") and " of " not in name and " and " not in name:
        ending = next((ending for ending in _ENDINGS if name.endswith(ending)), "s")
        return name.removesuffix(ending) + _ENDINGS.get(ending, "")
    return f"part of the {name}"


def _plural(verb: str) -> str:
    return verb.removesuffix("s")


def _article(name: str) -> str:
    begins = name.lower()
    return "an" if begins.startswith(tuple("aeiou")) and not begins.startswith(_SOUNDS_LIKE_Y) else "a"
