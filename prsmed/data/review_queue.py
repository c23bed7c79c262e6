"""A reader's way through a list of conversations: what is next, what it looks like, what an edit may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prsmed.data.images import look
from prsmed.data.review import reviewed
from prsmed.data.review_edit import objection
from prsmed.data.schema import Conversation
from prsmed.errors import PRSMedError
from prsmed.imaging.overlay import draw_overlay

UNREAD = "unread"


@dataclass(frozen=True)
class Entry:
    """A line of the queue."""

    id: str
    kind: str
    image: str
    status: str
    by: str


def unread(path: Path) -> Generator[Conversation, None, None]:
    """Conversations nobody has decided about, in the file's order."""
    return (conversation for conversation in reviewed(path) if conversation.review is None)


def entries(path: Path) -> Iterator[Entry]:
    """The whole queue, one line a conversation; status is the verdict, or :data:`UNREAD`."""
    for item in reviewed(path):
        status, by = (item.review.verdict, item.review.by) if item.review else (UNREAD, "")
        yield Entry(item.id, item.kind, item.record.image, status, by)


def count(path: Path) -> Counter[str]:
    """Conversations by status."""
    return Counter(entry.status for entry in entries(path))


def find(path: Path, id_: str) -> Conversation:
    """The conversation of a name.

    Raises:
        PRSMedError: ``unknown_conversation``.
    """
    with closing(reviewed(path)) as conversations:
        for conversation in conversations:
            if conversation.id == id_:
                return conversation
    raise PRSMedError("unknown_conversation", f"no conversation '{id_}' in {path.name}; --list shows the names")


def edited(conversation: Conversation, number: int, text: str) -> tuple[tuple[str, ...], str | None]:
    """The answers after an edit, and what speaks against it.

    Args:
        conversation: To edit.
        number: Of the turn, from 1.
        text: Its new answer.

    Returns:
        Answers of all turns, and :func:`~prsmed.data.review_edit.objection`.

    Raises:
        PRSMedError: ``no_turn``.
    """
    turns = conversation.turns
    if not 1 <= number <= len(turns):
        raise PRSMedError(
            "no_turn", f"turn {number} is outside 1..{len(turns)} of {conversation.id}; choose one inside"
        )
    answers = [turn.answer for turn in turns]
    answers[number - 1] = text
    return tuple(answers), objection(turns[number - 1], text)


def draw(conversation: Conversation, root: Path, out: Path) -> None:
    """Write the image with its mask outlined, and the words below, as a PNG.

    Raises:
        PRSMedError: What :func:`~prsmed.data.images.look` raises.
    """
    shown = look(conversation.record, root)
    color = shown.pixels if shown.pixels.ndim == 3 else np.repeat(shown.pixels[..., None], 3, axis=2)
    spacing = (1.0, 1.0) if shown.image_slice is None else shown.image_slice.spacing
    words = "\n".join(f"{turn.question}\n{turn.answer}" for turn in conversation.turns)
    draw_overlay(color, shown.mask, spacing=spacing, text=words).save(out, format="PNG")
