"""Texts in the user's language where Slicer has a translation, as they are elsewhere."""

from __future__ import annotations

try:
    from slicer.i18n import tr
except ImportError:

    def tr(text: str) -> str:
        """The text itself."""
        return text


__all__ = ["tr"]
