"""A drawn figure of a report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A picture of numbers, ready to be put into a page.

    Attributes:
        title: Its heading.
        caption: What is drawn, and over how many.
        png: The picture.
        alt: The same in words, for those who cannot see it.
    """

    title: str
    caption: str
    png: bytes
    alt: str
