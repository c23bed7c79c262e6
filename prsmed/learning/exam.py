"""The gate's list of questions, and how a model does on it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from prsmed.data import Conversation, Record, read_pairs
from prsmed.data.interview import interview, key_of
from prsmed.data.questions import Wording
from prsmed.data.sources import INDEX
from prsmed.errors import PRSMedError
from prsmed.evaluation.answering import ask
from prsmed.evaluation.outcome import judge
from prsmed.evaluation.progress import Progress
from prsmed.evaluation.run import KINDS
from prsmed.learning.gate import Score
from prsmed.model.checkpoint import load_checkpoint

_PER_MODALITY = 60
_SEED = 0


@dataclass(frozen=True)
class Case:
    """A labelled image that judges models.

    Attributes:
        record: Image and mask, of the same name in every run.
        data: Folder the record's paths are relative to.
        is_users: Whether it is one of the user's corrections.
    """

    record: Record
    data: Path
    is_users: bool = False


@dataclass(frozen=True)
class Question:
    """A question of the list.

    Attributes:
        id: The same in every run, another once the label is corrected again.
        conversation: Question and true answer.
        case: The image.
    """

    id: str
    conversation: Conversation
    case: Case


@dataclass(frozen=True)
class Exam:
    """The same questions for every model.

    Attributes:
        questions: In the order in which they are asked.
        unreadable: Images that could not be used, and why.
    """

    questions: tuple[Question, ...]
    unreadable: tuple[tuple[str, str], ...] = ()


def own_cases(data: Path | None, per_modality: int = _PER_MODALITY) -> list[Case]:
    """The held-out images of what the preset was trained on, where they are there.

    Args:
        data: Their folder; ``None`` when there is none.
        per_modality: At most so many of each, always the same ones.
    """
    if data is None or not (data / INDEX).is_file():
        return []
    pools: dict[str, list[Record]] = defaultdict(list)
    for record in read_pairs(data):
        if record.split == "val":
            pools[record.modality].append(record)
    chosen = [record for pool in pools.values() for record in sorted(pool, key=key_of)[:per_modality]]
    return [Case(record, data) for record in chosen]


def set_exam(cases: Iterable[Case]) -> Exam:
    """Ask about each image where its target is and, of some, about something else, in wordings never trained on."""
    wording, questions, unreadable = Wording.load(None), {}, []
    for case in cases:
        record = replace(case.record, split="val")
        try:
            asked = interview(record, case.data, wording, KINDS, _SEED)
        except PRSMedError as error:
            unreadable.append((record.image, str(error)))
            continue
        for conversation in asked:
            question = Question(_name(conversation, is_users=case.is_users), conversation, case)
            questions[question.id] = question
    return Exam(tuple(questions.values()), tuple(unreadable))


def _name(conversation: Conversation, *, is_users: bool) -> str:
    truth = hashlib.sha256(repr(conversation.turns).encode()).hexdigest()[:8]
    return f"{'user' if is_users else 'own'}/{conversation.id}-{truth}"


def score(checkpoint: Path, exam: Exam, report: Progress | None = None, device: str = "cpu") -> list[Score]:
    """Let a model answer.

    Args:
        checkpoint: Its folder.
        exam: The questions.
        report: Told how far it is.
        device: Torch device.

    Raises:
        PRSMedError: ``bad_checkpoint``.
    """
    model, _ = load_checkpoint(checkpoint)
    model.to(torch.device(device))
    by_folder: dict[Path, list[Question]] = defaultdict(list)
    for question in exam.questions:
        by_folder[question.case.data].append(question)
    scores: list[Score] = []
    for data, questions in by_folder.items():
        answers = ask(model, [question.conversation for question in questions], data)
        for question, answered in zip(questions, answers, strict=True):
            outcome = judge(answered)
            scores.append(
                Score(
                    question.id,
                    outcome.modality,
                    outcome.group,
                    question.case.is_users,
                    dice=outcome.dice,
                    false_mask=None if outcome.present else outcome.mask_share > 0,
                )
            )
            if report is not None:
                report(len(scores), len(exam.questions))
    return scores
