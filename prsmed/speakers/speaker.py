"""What a language model is to those who ask it."""

from __future__ import annotations

from typing import Protocol


class Speaker(Protocol):
    """Anything that replies to a text, greedily.

    Attributes:
        name: Which model it is: replies of different names are never mixed up.
    """

    @property
    def name(self) -> str:
        """See the class."""

    def say(self, prompt: str) -> str:
        """Reply to one prompt, without memory of earlier ones."""
