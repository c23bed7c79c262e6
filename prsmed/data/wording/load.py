"""The wordings, read from the file that is shipped or from a user's."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from prsmed.data.wording.check import check_heres, check_phrase, check_shape, complain
from prsmed.data.wording.slots import SLOTS
from prsmed.errors import PRSMedError

Use = Literal["train", "held_out"]
Leaf = tuple[str, str, Use]
USES: tuple[Use, ...] = ("train", "held_out")
_SHIPPED = Path(__file__).parent / "english.yaml"


@dataclass(frozen=True)
class Phrase:
    """One wording.

    Attributes:
        text: With placeholders.
        id: ``"<section>/<number>"`` from 1 in the order of the shipped file, ``"user/<number>"`` in a user's.
    """

    text: str
    id: str


@dataclass(frozen=True)
class Wording:
    """Every wording of questions and answers.

    Attributes:
        phrases: By section, list and use, e.g. ``("position", "questions", "train")``.
        heres: Phrases for "here" by modality; ``"common"`` fit any.
    """

    phrases: Mapping[Leaf, tuple[Phrase, ...]]
    heres: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, path: Path | None = None) -> Wording:
        """Read a user's file, or the shipped wordings when there is none.

        Lists that the file does not name stay as shipped. Those that it names are replaced, or with ``extend: true`` on
        top they follow the shipped ones.

        Args:
            path: YAML of the form of the shipped ``english.yaml``.

        Raises:
            PRSMedError: ``missing_wording`` or ``bad_wording``, with file, key, value and cure.
        """
        shipped = _shipped()
        if path is None:
            return shipped
        content = _read(path)
        extends = bool(content.pop("extend", False))
        own = _parse(content, path.name, numbered="user")
        phrases = dict(shipped.phrases)
        for leaf, given in own.phrases.items():
            phrases[leaf] = (*shipped.phrases[leaf], *given) if extends else given
        heres = dict(shipped.heres)
        for modality, places in own.heres.items():
            heres[modality] = (*shipped.heres.get(modality, ()), *places) if extends else places
        merged = cls(phrases, heres)
        _check_apart(merged, path.name)
        return merged

    def of(self, section: str, name: str, *, held_out: bool) -> tuple[Phrase, ...]:
        """The wordings of a list, e.g. ``of("position", "questions", held_out=False)``."""
        return self.phrases[section, name, "held_out" if held_out else "train"]

    def places(self, modality: str) -> tuple[str, ...]:
        """Phrases for "here" that fit a modality; of one that no file knows, those that fit any."""
        return self.heres.get(modality, ()) + self.heres["common"]

    @property
    def sha256(self) -> str:
        """Of all texts, whatever file they came from."""
        texts = {"/".join(leaf): [phrase.text for phrase in given] for leaf, given in self.phrases.items()}
        content = json.dumps([texts, dict(self.heres)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()


@functools.cache
def _shipped() -> Wording:
    return _parse(_read(_SHIPPED), _SHIPPED.name, numbered=None)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise PRSMedError("missing_wording", f"no readable file {path}; name a YAML file of wordings") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "the text"
        raise complain(path.name, where, getattr(error, "problem", None), "write it as YAML in UTF-8") from None
    return check_shape(content, path.name)


def _parse(content: dict[str, Any], file: str, numbered: str | None) -> Wording:
    """Phrases with their ids: a section's own numbers in the shipped file, running ones in a user's."""
    phrases: dict[Leaf, tuple[Phrase, ...]] = {}
    numbers: dict[str, int] = {}
    for section in (name for name in content if name in SLOTS):
        for name, uses in content[section].items():
            for use in USES:
                texts = uses.get(use, ())
                series = numbered or section
                start = numbers.get(series, 0) + 1
                numbers[series] = start + len(texts) - 1
                for number, text in enumerate(texts if numbered else (), start=1):  # ours are checked by the tests
                    check_phrase(text, SLOTS[section][name], file, f"{section}.{name}.{use}, wording {number}")
                if use in uses:
                    phrases[section, name, use] = tuple(
                        Phrase(text, f"{series}/{number}") for number, text in enumerate(texts, start=start)
                    )
    return Wording(phrases, check_heres(content.get("here", {}), file))


def _check_apart(wording: Wording, file: str) -> None:
    """Make sure that no held-out question is trained on."""
    for section, name, use in wording.phrases:
        if use == "held_out" and SLOTS[section][name].tells == "question":
            trained = {phrase.text for phrase in wording.of(section, name, held_out=False)}
            for phrase in wording.of(section, name, held_out=True):
                if phrase.text in trained:
                    cure = "take it out of one"
                    raise complain(file, f"{section}.{name}", phrase.text, f"it is in train and held_out; {cure}")
