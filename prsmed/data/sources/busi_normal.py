"""BUSI's lesion-free images, renumbered: ``busi_normal/normal_001.jpg``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, names, relative
from prsmed.data.sources.source import Source

_BLOCK = 5  # neighbouring numbers may be one patient: they stay together
_HELD_OUT = 0.2


def _is_here(folder: Path) -> bool:
    return folder.name == "busi_normal" and any(name.startswith("normal_") for name in names(folder))


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    images = []
    for image in files(folder, root, problems):
        number = image.stem.removeprefix("normal_")
        if number.isdecimal():
            images.append((image, f"busi_normal{int(number) // _BLOCK:03d}"))
        else:
            problems.add("unknown layout", relative(image, root), "name it normal_<number>")
    by_hash = sorted({block for _, block in images}, key=lambda block: hashlib.sha256(block.encode()).hexdigest())
    held_out = set(by_hash[: round(_HELD_OUT * len(by_hash))])
    for image, block in images:
        yield Record(
            image=relative(image, root),
            mask=None,
            modality=SOURCE.modality,
            dataset=SOURCE.name,
            target=SOURCE.target,
            group=block,
            split="val" if block in held_out else "train",
            licence=SOURCE.licence,
            is_healthy=True,
        )


SOURCE = Source(
    name="busi_normal",
    title="BUSI, its lesion-free images",
    modality="breast_ultrasound",
    target="breast lesion",
    licence="CC0 1.0",
    obtain="the folder 'normal' of BUSI without its black masks, files renamed to normal_<number>.jpg",
    groups=f"patients are not told: blocks of {_BLOCK} neighbouring numbers",
    splits="none; a fifth of the blocks, drawn by hash, is held out here",
    is_here=_is_here,
    read=_read,
)
