"""What is wrong with a user's wordings, told with file, key, value and cure."""

from __future__ import annotations

from typing import Any

from prsmed.data.wording.readable import misread
from prsmed.data.wording.slots import SLOTS, Slot, placeholders
from prsmed.errors import PRSMedError

_USES = ("train", "held_out")
_LONGEST = 300


def complain(file: str, key: str, value: object, cure: str) -> PRSMedError:
    """The error to raise: ``bad_wording``."""
    return PRSMedError("bad_wording", f"{file}, {key}: {str(value)[:80]!r}; {cure}")


def check_shape(content: Any, file: str) -> dict[str, Any]:
    """Make sure that a file holds lists of text where lists of text belong.

    Raises:
        PRSMedError: ``bad_wording``.
    """
    _check_keys(content, ("extend", "here", *SLOTS), file, "the file")
    if not isinstance(content.get("extend", False), bool):
        raise complain(file, "extend", content["extend"], "write true or false")
    for section in (name for name in content if name in SLOTS):
        _check_keys(content[section], tuple(SLOTS[section]), file, section)
        for name, uses in content[section].items():
            _check_keys(uses, _USES, file, f"{section}.{name}")
            for use, texts in uses.items():
                _check_texts(texts, file, f"{section}.{name}.{use}")
    return dict(content)


def check_phrase(text: str, slot: Slot, file: str, key: str) -> None:
    """Make sure that a wording says what its list is for.

    Raises:
        PRSMedError: ``bad_wording``.
    """
    fault = find_fault(text, slot)
    if fault:
        raise complain(file, key, text, fault)


def find_fault(text: str, slot: Slot) -> str | None:
    """What is wrong with a wording, with its cure; ``None`` when nothing is."""
    if len(text) > _LONGEST:
        return f"it is longer than {_LONGEST} characters; shorten it"
    try:
        names = placeholders(text)
    except ValueError:
        return "its braces hold no plain name; write placeholders as {target}"
    unknown = [name for name in names if name not in slot.allowed and _lowered(name) not in slot.allowed]
    if unknown:
        return f"placeholder {{{unknown[0]}}} is unknown here; use {_listed(slot.allowed)}"
    used = {_lowered(name) for name in names}
    for needed in slot.needs:
        if not used & needed:
            return f"it lacks a placeholder; add {' or '.join(f'{{{name}}}' for name in sorted(needed))}"
    if not text.startswith(slot.opening):
        return f"it must start with {slot.opening}; put that first"
    return misread(text, slot)


def check_heres(heres: Any, file: str) -> dict[str, tuple[str, ...]]:
    """Make sure that the phrases for "here" are plain text.

    Raises:
        PRSMedError: ``bad_wording``.
    """
    if not isinstance(heres, dict):
        raise complain(file, "here", heres, "write modalities with lists of phrases")
    for modality, phrases in heres.items():
        _check_texts(phrases, file, f"here.{modality}")
        for phrase in phrases:
            if set("{}") & set(phrase):
                raise complain(file, f"here.{modality}", phrase, "it takes no placeholders; write plain words")
    return {str(modality): tuple(phrases) for modality, phrases in heres.items()}


def _check_keys(value: Any, known: tuple[str, ...], file: str, key: str) -> None:
    if not isinstance(value, dict):
        raise complain(file, key, value, f"it must hold some of {', '.join(known)}")
    for name in value:
        if name not in known:
            raise complain(file, key, name, f"it is unknown there; use {', '.join(known)}")


def _check_texts(texts: Any, file: str, key: str) -> None:
    if not isinstance(texts, list) or not texts:
        raise complain(file, key, texts, "there are too few wordings; list at least one, or leave the key out")
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str) or not text.strip():
            raise complain(file, f"{key}, wording {number}", text, "it is no text; put it in quotes")
        if texts.index(text) != number - 1:
            raise complain(file, f"{key}, wording {number}", text, "it is there twice; take one out")


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))
