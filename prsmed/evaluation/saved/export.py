"""Images and questions for another system to answer: just what ours is shown, and nothing of the truth."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from prsmed.data import Conversation, Record, look
from prsmed.evaluation.progress import Progress

QUESTIONS, IMAGES = "questions.csv", "images"
COLUMNS = ("id", "image", "question", "target")


def export_questions(asked: Sequence[Conversation], data: Path, out: Path, progress: Progress) -> Path:
    """Write ``questions.csv`` and the images it names.

    An image is written once, as PNG at its own size: the crop or the windowed slice that is asked about. ``target`` is
    the thing asked for, for systems that take a name instead of a question; the question names it too, whether it is
    there or not.

    Args:
        asked: The list.
        data: Folder its images' paths are relative to.
        out: Folder to write into.
        progress: Called after every question.

    Raises:
        PRSMedError: What :func:`~prsmed.data.look` raises.
    """
    (out / IMAGES).mkdir(parents=True, exist_ok=True)
    with (out / QUESTIONS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, conversation in enumerate(asked, start=1):
            name = f"{IMAGES}/{_key(conversation.record)}.png"
            if not (out / name).is_file():
                Image.fromarray(look(conversation.record, data).pixels).save(out / name)
            writer.writerow((conversation.id, name, conversation.turn.question, conversation.turn.target))
            progress(number, len(asked))
    return out / QUESTIONS


def _key(record: Record) -> str:
    """The same for two questions about one picture; tells neither its mask nor its patient."""
    shown = (record.image, record.crop, record.plane, record.slice, record.seed)
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
