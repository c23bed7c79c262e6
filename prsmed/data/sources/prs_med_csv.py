"""The PRS-Med authors' annotations as conversations; both schemas of their CSV, broken quoting included.

``image_path`` holds the path of the *mask*; backslashes occur; ``description`` (schema 1) and ``answer`` (schema 2)
hold commas that nobody quoted (``research/prs-med.md`` 3.2).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.schema import Conversation, Turn
from prsmed.data.sources.image_folder import mask_key
from prsmed.data.sources.layout import files, relative
from prsmed.data.sources.prs_med import QA, SOURCE, part_of
from prsmed.data.sources.spoken import positions_in

_RADIUS = 0.2  # the released code's "20 units"
_FIRST = ("image_path", "image_name", "split")
_START = re.compile(r'"?[^",]*_(?:masks|images)[\\/]')
_FOLDER_END = re.compile(r"_(?:masks|images)$")
_MOST_LINES = 20


def read_annotations(root: Path, folder: Path, problems: Problems) -> Iterator[Conversation]:
    """The released questions and answers, in the order of the files.

    Positions are those of the template sentence. A row that cannot be read, names no image that is here, or whose
    answer names another place than its own template sentence, is a ``bad row``.

    Args:
        root: Data folder.
        folder: Where PRS-Med's data lie.
        problems: Where bad rows are noted, as ``FILE:LINE``; problems of the images are those of ``SOURCE.read``.
    """
    records = {_key(Path(record.image), part_of(record)): record for record in SOURCE.read(root, folder, Problems())}
    for listing in files(folder / QA, root, problems, (".csv",)):
        try:
            lines = listing.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError):
            problems.add("unreadable", relative(listing, root), "write it as UTF-8")
            continue
        for number, row in _rows(lines):
            place = f"{relative(listing, root)}:{number}"
            conversation = row and _conversation(row, records, f"{SOURCE.name}/{place}")
            if conversation:
                yield conversation
            else:
                problems.add("bad row", place, "quote its fields and check its path")


def _rows(lines: list[str]) -> Iterator[tuple[int, dict[str, str] | None]]:
    """Line number and fields of every row; ``None`` for a row that cannot be put together."""
    header = next(csv.reader(lines[:1]), [])
    start = 1
    while start < len(lines):
        end = start + 1
        # A quoted answer may run over lines, but a new path begins a new row even inside an open quote.
        while end < min(len(lines), start + _MOST_LINES) and not _START.match(lines[end]):
            end += 1
        text = "\n".join(lines[start:end]).strip()
        if text:
            yield start + 1, _fields(text, header)
        start = end


def _fields(text: str, header: list[str]) -> dict[str, str] | None:
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    except csv.Error:
        rows = []
    values = rows[0] if len(rows) == 1 and len(rows[0]) == len(header) else _mend(text, header)
    return dict(zip(header, (value.strip() for value in values), strict=True)) if values else None


def _mend(text: str, header: list[str]) -> list[str] | None:
    """Put a row with stray commas or quotes together: paths have none, questions end in "?", the position is last."""
    values = text.replace('"', "").replace("\n", " ").split(",")
    if len(values) < len(header) or tuple(header[:3]) != _FIRST or header[-1] != "position":
        return None
    head, middle, position = values[:3], ",".join(values[3:-1]), values[-1]
    if len(header) == 5:  # schema 1: description
        return [*head, middle, position]
    question, mark, answer = middle.partition("?")
    if len(header) != 6 or not mark:
        return None
    return [*head, question + mark, answer.removeprefix(","), position]


def _conversation(row: dict[str, str], records: dict[tuple[str, str, str], Record], id: str) -> Conversation | None:
    path = Path(row["image_path"].replace("\\", "/"))
    record = records.get(_key(path, path.parts[-3])) if len(path.parts) > 2 else None
    sentence = row.get("position", "")
    positions, said = positions_in(sentence), positions_in(row.get("answer", ""))
    if record is None or not (positions or said):
        return None
    if positions and said and positions[0].zone != said[0].zone:
        return None
    turn = Turn(
        question=row.get("question") or f"Where is the {record.target} in this image?",
        answer=row.get("answer") or sentence,
        target=record.target,
        present=True,
        positions=positions or said,
        template=f"{SOURCE.name}/released",
    )
    return Conversation(id=id, kind="position", record=record, turns=(turn,), rule="box", radius=_RADIUS)


def _key(path: Path, part: str) -> tuple[str, str, str]:
    """The same for an image and its mask: part, split, and the name that both share."""
    return part, _FOLDER_END.sub("", path.parent.name), mask_key(path.stem)
