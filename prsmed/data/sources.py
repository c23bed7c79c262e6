"""Records of the real image folders, and of phantoms that need no folder."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from prsmed.data.record import Record, Split, check_splits
from prsmed.data.targets import KNOWN_MODALITIES, KNOWN_TARGETS
from prsmed.errors import PRSMedError
from prsmed.imaging.phantom import PHANTOM_KINDS, PhantomKind

INDEX = "pairs/index.csv"
NEGATIVES = "negatives/breast_ultrasound/busi_normal"
_PHANTOM_TARGETS: dict[PhantomKind, str] = {"ct": "nodule", "mr": "brain tumour", "photo": "skin lesion"}
_SPLITS: dict[str, Split] = {"shared-train": "train", "shared-val": "val"}
_COLUMNS = ("modality", "dataset", "target", "image", "mask", "split", "group", "licence_data")
_BLOCK = 5  # neighbouring numbers of the lesion-free ultrasounds may be one patient: they stay together
_PHANTOM_SEEDS = 1_000_000


def read_pairs(root: Path) -> list[Record]:
    """Read the redistributable pairs and the lesion-free ultrasound images below ``root``.

    Args:
        root: Folder that holds ``pairs/index.csv``; ``negatives/...`` beside it is used when there.

    Returns:
        Pairs in the index's order, then the lesion-free images, with paths relative to ``root``.

    Raises:
        PRSMedError: ``missing_index``, ``bad_index``, ``missing_image`` or ``group_in_two_splits``.
    """
    records = [*_indexed_pairs(root), *_lesion_free(root)]
    for record in records:
        for path in (record.image, record.mask):
            if path is not None and not (root / path).is_file():
                raise PRSMedError("missing_image", f"{path} is in the index but not in the folder; copy the set anew")
    check_splits(records)
    return records


def phantom_records(count: int, seed: int) -> list[Record]:
    """Records of drawn images, kinds in turn, every fifth one held out.

    Args:
        count: How many, over all kinds and both splits.
        seed: Another seed gives other images.
    """
    records = []
    for number in range(count):
        kind = PHANTOM_KINDS[number % len(PHANTOM_KINDS)]
        own_seed = seed * _PHANTOM_SEEDS + number
        records.append(
            Record(
                image=f"phantom_{kind}/{own_seed}",
                mask=None,
                modality=f"phantom_{kind}",
                dataset="phantom",
                target=_PHANTOM_TARGETS[kind],
                group=f"phantom{own_seed}",
                split="val" if number % 5 == 4 else "train",
                licence="Apache-2.0",
                seed=own_seed,
            )
        )
    return records


def _indexed_pairs(root: Path) -> list[Record]:
    index = root / INDEX
    if not index.is_file():
        raise PRSMedError("missing_index", f"no {INDEX} below {root}; give the folder that holds 'pairs'")
    with index.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise PRSMedError("bad_index", f"{INDEX} lacks the columns {', '.join(missing)}; write them")
        return [_pair(row, line) for line, row in enumerate(rows, start=2)]


def _pair(row: dict[str, str], line: int) -> Record:
    for column, known in (("split", _SPLITS), ("modality", KNOWN_MODALITIES), ("target", KNOWN_TARGETS)):
        if row[column] not in known:
            raise PRSMedError(
                "bad_index",
                f"line {line} of {INDEX} has {column} '{row[column]}'; use one of {', '.join(sorted(known))}",
            )
    return Record(
        image=f"pairs/{row['image']}",
        mask=f"pairs/{row['mask']}",
        modality=row["modality"],
        dataset=row["dataset"],
        target=row["target"],
        group=row["group"],
        split=_SPLITS[row["split"]],
        licence=row["licence_data"],
        # Montgomery's file names end in 0 for a normal chest and in 1 for tuberculosis.
        is_healthy=row["dataset"] == "montgomery" and Path(row["image"]).stem.endswith("_0"),
    )


def _lesion_free(root: Path) -> list[Record]:
    names = sorted(path.name for path in (root / NEGATIVES).glob("*.jpg"))
    blocks = [f"busi_normal{int(name.split('_')[1].split('.')[0]) // _BLOCK:03d}" for name in names]
    by_hash = sorted(set(blocks), key=lambda block: hashlib.sha256(block.encode()).hexdigest())
    held_out = set(by_hash[: round(0.2 * len(by_hash))])
    return [
        Record(
            image=f"{NEGATIVES}/{name}",
            mask=None,
            modality="breast_ultrasound",
            dataset="busi_normal",
            target="breast lesion",
            group=block,
            split="val" if block in held_out else "train",
            licence="CC0 1.0",
            is_healthy=True,
        )
        for name, block in zip(names, blocks, strict=True)
    ]
