"""Wordings of questions and answers: what may be written, where they are read from, how they are filled."""

from prsmed.data.wording.load import Phrase, Wording
from prsmed.data.wording.words import name_words, place_words

__all__ = ["Phrase", "Wording", "name_words", "place_words"]
