"""Wording of questions about a place, from the shipped ``wording/english.yaml``."""

from __future__ import annotations

import numpy as np

from prsmed.data.wording import Wording, name_words

_SHIPPED = Wording.load()
TRAIN_TEMPLATES = tuple(phrase.text for phrase in _SHIPPED.of("position", "questions", held_out=False))
TEST_TEMPLATES = tuple(phrase.text for phrase in _SHIPPED.of("position", "questions", held_out=True))
"""Never trained on."""
_LOWER_SHARE = 0.3
_BARE_SHARE = 0.25


def ask(template: str, target: str, here: str) -> str:
    """Fill a template.

    Args:
        template: One of :data:`TRAIN_TEMPLATES` or :data:`TEST_TEMPLATES`.
        target: What is asked for, e.g. ``"polyp"``.
        here: Where to look, e.g. ``"on this image"``.
    """
    return template.format(**name_words(target, here))


def places(modality: str) -> tuple[str, ...]:
    """Phrases for "here" that fit a modality."""
    return _SHIPPED.places(modality)


def as_typed(question: str, rng: np.random.Generator) -> str:
    """Sometimes drop the capital letters or the closing mark, the way people type."""
    if rng.random() < _BARE_SHARE:
        question = question.rstrip("?.")
    if rng.random() < _LOWER_SHARE:
        question = question.lower()
    elif question[:1].islower() and rng.random() < 0.5:
        question = question[0].upper() + question[1:]
    return question
