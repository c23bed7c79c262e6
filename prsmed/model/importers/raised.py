"""What libraries of others raise, in a line that fits a message of ours."""

from __future__ import annotations

_LONGEST = 200


def in_a_line(error: object) -> str:
    """The words of an error in one line, cut where they get long; its kind when it has none."""
    words = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
    return words[:_LONGEST] or type(error).__name__
