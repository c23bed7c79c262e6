"""`prsmed evaluate`: from a checkpoint and a list of questions to a report."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from prsmed.data import Conversation, Kind, build, read_pairs
from prsmed.data.review import accepted, reviewed
from prsmed.errors import PRSMedError
from prsmed.evaluation.answering import ask
from prsmed.evaluation.choice import judge_choice
from prsmed.evaluation.outcome import Answered, judge
from prsmed.evaluation.patient_side import judge_side
from prsmed.evaluation.pictures import choose, draw
from prsmed.evaluation.place import Place
from prsmed.evaluation.position_score import constant_places
from prsmed.evaluation.progress import Progress
from prsmed.evaluation.report import Evaluation, write_report
from prsmed.evaluation.saved.system import SavedSystem
from prsmed.evaluation.summary import all_measures, summarise
from prsmed.model.checkpoint import Manifest, find_checkpoint, load_checkpoint

KINDS: tuple[Kind, ...] = ("position", "absent")
"""Kinds of conversation whose answers name a place or deny one: what can be judged."""
CHOICE: Kind = "choice"
SIDE: Kind = "patient_side"
Answering = Callable[[Sequence[Conversation], Path], Iterator[Answered]]
"""Puts questions to a system; takes them and the folder that their images' paths are relative to."""


def evaluate(
    checkpoint: Path | str,
    conversations: Path | None,
    data: Path,
    out: Path | None,
    progress: Progress,
    device: str = "cpu",
    predictions: Path | None = None,
) -> Evaluation:
    """Ask a model every question of a list and judge its masks and words.

    One with words is also asked multiple choice, and for the patient's side where the list does.

    Args:
        checkpoint: Folder of a checkpoint, or the name of shipped weights.
        conversations: A list written by :func:`prsmed.data.build`, of which :data:`KINDS` are asked, unless a reader
            rejected them; ``None`` builds the held-out list of ``data``, kept under ``out/conversations``.
        data: Folder the images' paths are relative to.
        out: Folder for the report (:func:`~prsmed.evaluation.report.write_report`); ``None`` writes nothing.
        progress: Called after every answer.
        device: Torch device.
        predictions: Folder with the saved answers of another system (:mod:`prsmed.evaluation.saved`), which are judged
            instead of a model's.

    Raises:
        PRSMedError: For a checkpoint, list, image or saved answer that is missing or damaged; ``empty_list`` and
            ``duplicate_id`` for lists that cannot be counted.
    """
    if predictions is None:  # before the list, which takes longer to make
        answer, manifest = _model(checkpoint, device)
    asked, list_sha256 = questions(conversations, data, None if out is None else out / "conversations")
    if predictions is not None:
        answer, manifest = _saved(predictions, asked)
    further = _further(conversations, data) if manifest.kind == "prsmed" else []
    # Kind after kind: batches of one are then the same with and without the others.
    lists = [asked, *([item for item in further if item.kind == kind] for kind in (CHOICE, SIDE))]
    outcomes, choices, sides = [], [], []
    for done, answered in enumerate(chain.from_iterable(answer(one, data) for one in lists), start=1):
        if answered.conversation.kind == CHOICE:
            choices.append(judge_choice(answered.conversation, answered.prediction.text or ""))
        elif answered.conversation.kind == SIDE:
            sides.append(judge_side(answered, data))
        else:
            outcomes.append(judge(answered))
        progress(done, len(asked) + len(further))
    measures = all_measures(outcomes)
    constants = constant_places(outcomes, Place.has_zones_of)
    evaluation = Evaluation(
        model=manifest,
        list_sha256=list_sha256,
        outcomes=tuple(outcomes),
        measures=measures,
        summary=summarise(measures, outcomes),
        constants={modality: " + ".join(place.zones) for modality, place in sorted(constants.items())},
        choices=tuple(choices),
        sides=tuple(sides),
    )
    if out is not None:
        tags = choose(outcomes)
        # Asked once more: keeping every mask until the best and worst are known would not fit large lists.
        shown = answer([item for item in asked if item.id in tags], data)
        write_report(evaluation, draw(shown, outcomes, tags), out)
    return evaluation


def questions(conversations: Path | None, data: Path, folder: Path | None) -> tuple[list[Conversation], str]:
    """The questions that are asked, and the hash of their list.

    Args:
        conversations, data: As for :func:`evaluate`.
        folder: Where a list that is built is kept; ``None`` keeps none.

    Raises:
        PRSMedError: ``empty_list``, ``duplicate_id``; what reading or building raises.
    """
    with TemporaryDirectory() as scratch:
        path = conversations or _build(data, folder or Path(scratch))
        asked = _read(path, KINDS)
        if not asked:
            raise PRSMedError(
                "empty_list", f"{path.name} holds no question of kind {' or '.join(KINDS)}; build it with those"
            )
        return asked, hashlib.sha256(path.read_bytes()).hexdigest()


def _model(checkpoint: Path | str, device: str) -> tuple[Answering, Manifest]:
    model, manifest = load_checkpoint(find_checkpoint(checkpoint))
    model.to(torch.device(device))
    return partial(ask, model), manifest


def _saved(folder: Path, asked: Sequence[Conversation]) -> tuple[Answering, Manifest]:
    saved = SavedSystem(folder, asked)
    return saved.ask, saved.manifest


def _build(data: Path, folder: Path, kinds: Sequence[Kind] = KINDS) -> Path:
    """The held-out images of the sets that the shipped weights are trained on, so that reports can be compared."""
    return build(data, folder, splits=("val",), kinds=kinds, read=lambda root, _: read_pairs(root), strict=True).path


def _further(conversations: Path | None, data: Path) -> list[Conversation]:
    """Multiple choice and the patient's side, as a list or the held-out images have them; maybe none."""
    with TemporaryDirectory() as scratch:
        return _read(conversations or _build(data, Path(scratch), (CHOICE, SIDE)), (CHOICE, SIDE))


def _read(path: Path, kinds: Sequence[Kind]) -> list[Conversation]:
    """The conversations of these kinds that no reader rejected."""
    asked = [item for item in accepted(reviewed(path)) if item.kind in kinds]
    seen: set[str] = set()
    for item in asked:
        if item.id in seen:
            raise PRSMedError("duplicate_id", f"{path.name} holds {item.id} twice; build the list anew")
        seen.add(item.id)
    return asked
