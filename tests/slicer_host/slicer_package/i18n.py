"""`slicer.i18n`: texts stay as they are written."""

from __future__ import annotations


def translate(context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
    """The text itself: there is no translation file here."""
    return text


def tr(text: str, disambiguation: str | None = None, n: int = -1) -> str:
    """The same, in the module's own context."""
    return text
