"""What readers make of a list of conversations: the papers' "refined by physicians", in the same file.

A decision is one line appended to a journal beside the file, safe on the disk before the next question is shown; the
journal is merged into the file now and then. Whatever is killed in between loses no decision: the journal counts as
part of the file until it is merged, and merging it twice changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from prsmed.data.schema import Conversation, Review, Verdict, read_conversations, to_line
from prsmed.errors import PRSMedError


@dataclass(frozen=True)
class Decision:
    """A line of the journal.

    Attributes:
        id: Of the conversation.
        questions: Of its turns, which tell whether it is still the one that was read.
        review: Verdict, who and when.
        answers: Of all turns in order, after an edit; ``None`` when they stay.
    """

    id: str
    questions: tuple[str, ...]
    review: Review
    answers: tuple[str, ...] | None = None

    def apply(self, conversation: Conversation) -> Conversation:
        """The conversation with the verdict and the new answers.

        Raises:
            PRSMedError: ``other_questions`` when the list was built anew after it was read.
        """
        if self.questions != _questions(conversation):
            raise PRSMedError(
                "other_questions",
                f"{self.id} asks something else than what was reviewed; move the .reviews.jsonl of the old list away",
            )
        if self.answers is None:
            return replace(conversation, review=self.review)
        turns = [replace(turn, answer=text) for turn, text in zip(conversation.turns, self.answers, strict=True)]
        return replace(conversation, turns=tuple(turns), review=self.review)


def journal_of(path: Path) -> Path:
    """Where decisions about a list wait to be merged: ``conversations.reviews.jsonl`` of ``conversations.jsonl``."""
    return path.with_suffix(".reviews.jsonl")


def decide(
    path: Path, conversation: Conversation, verdict: Verdict, by: str, answers: tuple[str, ...] | None = None
) -> Decision:
    """Note a decision; when this returns, it is on the disk.

    Args:
        path: Of the ``conversations.jsonl``.
        conversation: One of its.
        verdict: ``"accepted"``, ``"edited"`` or ``"rejected"``.
        by: Who decides.
        answers: Of all turns, for ``"edited"``.

    Raises:
        PRSMedError: ``no_reviewer``, or ``bad_edit`` when an edit comes without a text for every turn, or another
            verdict with one.
    """
    if not by.strip():
        raise PRSMedError("no_reviewer", "a review needs a name; give one with --by")
    texts = [text for text in answers or () if text.strip()]
    if len(texts) != (len(conversation.turns) if verdict == "edited" else 0):
        raise PRSMedError(
            "bad_edit", f"{len(texts)} texts for '{verdict}'; an edit, and only it, has one for every turn"
        )
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    decision = Decision(conversation.id, _questions(conversation), Review(verdict, by.strip(), at), answers)
    with _lock(path), journal_of(path).open("ab+") as file:
        _drop_torn_line(file)
        file.write(json.dumps(asdict(decision), ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return decision


def reviewed(path: Path) -> Generator[Conversation, None, None]:
    """Read a list with all decisions in it, merged or not, one conversation at a time.

    Raises:
        PRSMedError: What :func:`~prsmed.data.schema.read_conversations` raises, ``bad_journal`` or ``other_questions``.
    """
    decisions = _read_journal(path)
    for conversation in read_conversations(path):
        decision = decisions.get(conversation.id)
        yield conversation if decision is None else decision.apply(conversation)


def merge(path: Path) -> int:
    """Write the journal's decisions into the list and remove it; a kill leaves either the old list or the new one.

    Returns:
        How many decisions there were.

    Raises:
        PRSMedError: What :func:`reviewed` raises; then nothing is changed.
    """
    if not journal_of(path).is_file():
        return 0
    with _lock(path):
        decisions = _read_journal(path)
        if decisions:
            part = path.with_suffix(".part")
            with part.open("w", encoding="utf-8") as file:
                file.writelines(to_line(conversation) + "\n" for conversation in reviewed(path))
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        journal_of(path).unlink(missing_ok=True)
    return len(decisions)


def accepted(conversations: Iterable[Conversation]) -> Iterator[Conversation]:
    """All that nobody rejected, for training and evaluation; what nobody has read yet stays."""
    return (item for item in conversations if item.review is None or item.review.verdict != "rejected")


def _questions(conversation: Conversation) -> tuple[str, ...]:
    return tuple(turn.question for turn in conversation.turns)


def _lock(path: Path) -> FileLock:
    """Two readers may review one list: a decision must not slip between a merge's reading and removing."""
    return FileLock(path.with_name(f".{path.stem}.lock"))


def _read_journal(path: Path) -> dict[str, Decision]:
    """The last decision about each conversation; a last line without an end was torn by a kill and is no decision."""
    journal = journal_of(path)
    if not journal.is_file():
        return {}
    decisions = {}
    for number, line in enumerate(journal.read_bytes().split(b"\n")[:-1], start=1):
        try:
            fields = json.loads(line)
            id_, questions, answers = fields["id"], fields["questions"], fields["answers"]
            texts = None if answers is None else tuple(answers)
            decisions[id_] = Decision(id_, tuple(questions), Review(**fields["review"]), texts)
        except (ValueError, KeyError, TypeError):
            raise PRSMedError(
                "bad_journal", f"line {number} of {journal.name} is no decision; mend or remove the line"
            ) from None
    return decisions


def _drop_torn_line(file: BinaryIO) -> None:
    """A line that a kill left without an end would spoil the one written after it."""
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
