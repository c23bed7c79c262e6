"""`prsmed evaluate`: from a checkpoint and a list of questions to a report."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from prsmed.data import Conversation, build, read_conversations
from prsmed.errors import PRSMedError
from prsmed.evaluation.answering import ask
from prsmed.evaluation.outcome import judge
from prsmed.evaluation.pictures import choose, draw
from prsmed.evaluation.place import Place
from prsmed.evaluation.position_score import constant_places
from prsmed.evaluation.report import Evaluation, write_report
from prsmed.evaluation.summary import all_measures, summarise
from prsmed.model.checkpoint import find_checkpoint, load_checkpoint

Progress = Callable[[int, int], None]
"""Called with questions answered and questions in all."""


def evaluate(
    checkpoint: Path | str,
    conversations: Path | None,
    data: Path,
    out: Path | None,
    progress: Progress,
    device: str = "cpu",
) -> Evaluation:
    """Ask a model every question of a list and judge its masks and words.

    Args:
        checkpoint: Folder of a checkpoint, or the name of shipped weights.
        conversations: A list written by :func:`prsmed.data.build`; ``None`` builds the held-out list of ``data``,
            kept under ``out/conversations``.
        data: Folder the images' paths are relative to.
        out: Folder for the report (:func:`~prsmed.evaluation.report.write_report`); ``None`` writes nothing.
        progress: Called after every answer.
        device: Torch device.

    Raises:
        PRSMedError: For a checkpoint, list or image that is missing or damaged; ``empty_list`` and
            ``duplicate_id`` for lists that cannot be counted.
    """
    model, manifest = load_checkpoint(find_checkpoint(checkpoint))
    model.to(torch.device(device))
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) if out is None else out / "conversations"
        path = conversations or build(data, folder)
        asked = _read(path)
        list_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    outcomes = []
    for answered in ask(model, asked, data):
        outcomes.append(judge(answered))
        progress(len(outcomes), len(asked))
    measures = all_measures(outcomes)
    constants = constant_places(outcomes, Place.has_zones_of)
    evaluation = Evaluation(
        model=manifest,
        list_sha256=list_sha256,
        outcomes=tuple(outcomes),
        measures=measures,
        summary=summarise(measures, outcomes),
        constants={modality: " + ".join(place.zones) for modality, place in sorted(constants.items())},
    )
    if out is not None:
        tags = choose(outcomes)
        # Asked once more: keeping every mask until the best and worst are known would not fit large lists.
        shown = ask(model, [item for item in asked if item.id in tags], data)
        write_report(evaluation, draw(shown, outcomes, tags), out)
    return evaluation


def _read(path: Path) -> list[Conversation]:
    asked = list(read_conversations(path))
    if not asked:
        raise PRSMedError("empty_list", f"{path.name} holds no question; build it from a folder with images")
    seen: set[str] = set()
    for item in asked:
        if item.id in seen:
            raise PRSMedError("duplicate_id", f"{path.name} holds {item.id} twice; build the list anew")
        seen.add(item.id)
    return asked
