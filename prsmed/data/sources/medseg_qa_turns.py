"""The questions and answers of a MedSeg-QA-style JSON as conversations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.schema import Conversation, Kind, Review, Turn
from prsmed.data.sources.medseg_qa import SOURCE, entries
from prsmed.data.sources.spoken import positions_in
from prsmed.errors import PRSMedError
from prsmed.position.findings import Position

_ASKS = ("user", "human")
_TOKEN = "[SEG]"


def read_annotations(root: Path, folder: Path, problems: Problems) -> Iterator[Conversation]:
    """The published conversations, one for every label that an entry's answers point at.

    An entry about several labels becomes several conversations, each with the turns about its label, because a
    conversation of this project is about one mask; turns about none are left out. Positions are those its words name,
    else those of the mask.

    Args:
        root: Data folder.
        folder: Where the JSON lies.
        problems: Where bad entries are noted.
    """
    for entry in entries(root, folder, problems):
        review = _review(entry.fields)
        for number, record in enumerate(entry.records):
            try:
                turns = tuple(_turns(entry.fields["turns"], record, root))
            except PRSMedError as error:
                problems.add("unreadable", record.image, str(error))
                continue
            if turns:
                id = f"{SOURCE.name}/{entry.id}/{number}"
                kind: Kind = "dialogue" if len(turns) > 1 else "position" if record.mask else "absent"
                yield Conversation(id=id, kind=kind, record=record, turns=turns, review=review)


def _turns(said: list[dict[str, Any]], record: Record, root: Path) -> Iterator[Turn]:
    measured: tuple[Position, ...] | None = None
    for asked, answered in pairwise(said):
        if asked["role"] not in _ASKS or answered["role"] in _ASKS:
            continue
        text = " ".join(answered["text"].replace(_TOKEN, " ").split()).replace(" .", ".").replace(" ,", ",")
        if {str(target["label"]) for target in answered.get("targets") or ()} != {record.target}:
            continue
        positions = positions_in(text) if record.mask else ()
        if record.mask and not positions:
            measured = _measured(record, root) if measured is None else measured
            positions = measured
        yield Turn(
            question=asked["text"],
            answer=text,
            target=record.target,
            present=record.mask is not None,
            positions=positions,
            template=f"{SOURCE.name}/released",
        )


def _measured(record: Record, root: Path) -> tuple[Position, ...]:
    from prsmed.data.images import look  # images are decoded only when words name no place

    return look(record, root).positions


def _review(fields: dict[str, Any]) -> Review | None:
    by = fields.get("reviewed_by")
    return Review("accepted", str(by), str(fields.get("reviewed_at", ""))) if by else None
