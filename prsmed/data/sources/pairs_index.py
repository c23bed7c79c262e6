"""Folders with an ``index.csv`` that names image, mask, target, split, group and licence of every pair."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record, Split, check_splits
from prsmed.data.sources import busi_normal
from prsmed.data.sources.layout import named, names, relative
from prsmed.data.sources.nlm_xray import is_normal
from prsmed.data.sources.source import Source
from prsmed.data.targets import KNOWN_MODALITIES, KNOWN_TARGETS
from prsmed.errors import PRSMedError

INDEX = "pairs/index.csv"
_NEGATIVES = "negatives/breast_ultrasound/busi_normal"
_SPLITS: dict[str, Split] = {
    "shared-train": "train",
    "shared-val": "val",
    "train": "train",
    "val": "val",
    "test": "test",
}
_TRAINED_ON = ("shared-train", "shared-val")
_COLUMNS = ("modality", "dataset", "target", "image", "mask", "split", "group", "licence_data")
_NAMED_BY_HEALTH = ("montgomery", "shenzhen")


def read_pairs(root: Path) -> list[Record]:
    """Read the redistributable pairs and the lesion-free ultrasound images below ``root``, what ``nano`` learns from.

    Args:
        root: Folder that holds ``pairs/index.csv``; ``negatives/...`` beside it is used when there.

    Returns:
        Pairs in the index's order, then the lesion-free images, with paths relative to ``root``.

    Raises:
        PRSMedError: ``missing_index``, ``bad_index``, ``missing_image`` or ``group_in_two_splits``.
    """
    if not (root / INDEX).is_file():
        raise PRSMedError("missing_index", f"no {INDEX} below {root}; give the folder that holds 'pairs'")
    records = [_known(row, line) for line, row in _rows(root / INDEX)]
    records += busi_normal.SOURCE.read(root, root / _NEGATIVES, Problems())
    for record in records:
        for path in (record.image, record.mask):
            if path is not None and not (root / path).is_file():
                raise PRSMedError("missing_image", f"{path} is in the index but not in the folder; copy the set anew")
    check_splits(records)
    return records


def _known(row: dict[str, str], line: int) -> Record:
    for column, known in (("split", _TRAINED_ON), ("modality", KNOWN_MODALITIES), ("target", KNOWN_TARGETS)):
        if row[column] not in known:
            raise PRSMedError(
                "bad_index",
                f"line {line} of {INDEX} has {column} '{row[column]}'; use one of {', '.join(sorted(known))}",
            )
    return _record(row, "pairs/")


def _is_here(folder: Path) -> bool:
    return "index.csv" in names(folder)


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    index = folder / "index.csv"
    try:
        rows = list(_rows(index))
    except (PRSMedError, OSError, ValueError, csv.Error):
        problems.add("unreadable", relative(index, root), f"write UTF-8 with the columns {', '.join(_COLUMNS)}")
        return
    for line, row in rows:
        place = f"{relative(index, root)}:{line}"
        if row["split"] not in _SPLITS or not all(row[column] for column in ("image", "mask", "target", "modality")):
            problems.add("bad row", place, "fill every column; split is train, val or test")
            continue
        try:
            image, mask = (named(row[column], folder, root) for column in ("image", "mask"))
        except ValueError:
            problems.add("bad row", place, "name files inside the data folder, relative to the index")
            continue
        if image == mask:
            problems.add("mask is the image", relative(image, root), "name the image")
        elif not mask.is_file():
            problems.add("image without mask", relative(image, root), "copy the set anew")
        elif not image.is_file():
            problems.add("mask without image", relative(mask, root), "copy the set anew")
        else:
            yield replace(_record(row, ""), image=relative(image, root), mask=relative(mask, root))


def _rows(index: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with index.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, restval="")
        missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise PRSMedError("bad_index", f"{INDEX} lacks the columns {', '.join(missing)}; write them")
        for row in rows:
            yield rows.line_num, row


def _record(row: dict[str, str], prefix: str) -> Record:
    return Record(
        image=prefix + row["image"],
        mask=prefix + row["mask"],
        modality=row["modality"],
        dataset=row["dataset"],
        target=row["target"],
        group=row["group"],
        split=_SPLITS[row["split"]],
        licence=row["licence_data"],
        is_healthy=row["dataset"] in _NAMED_BY_HEALTH and is_normal(Path(row["image"]).stem),
    )


SOURCE = Source(
    name="index",
    title="A folder with an index.csv",
    modality="various",
    target="as the index says",
    licence="as the index says, by row",
    obtain=f"write an index.csv with the columns {', '.join(_COLUMNS)}",
    groups="the column 'group'",
    splits="the column 'split': train, val, test (shared-train, shared-val)",
    is_here=_is_here,
    read=_read,
)
