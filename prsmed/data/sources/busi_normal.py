"""BUSI's lesion-free images, renumbered: ``busi_normal/normal_001.jpg``."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, names, relative
from prsmed.data.sources.source import Source

_BLOCK = 5  # neighbouring numbers may be one patient: they stay together
# Ranges of numbers that show the same breasts again and again (`prsmed data audit`: near duplicates).
_SAME = (((19, 35), (119, 131)), ((36, 69),), ((100, 109),))
_HELD_OUT = 0.2


def _is_here(folder: Path) -> bool:
    return folder.name == "busi_normal" and any(name.startswith("normal_") for name in names(folder))


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    images = []
    for image in files(folder, root, problems):
        number = image.stem.removeprefix("normal_")
        if number.isdecimal():
            images.append((image, _group(int(number))))
        else:
            problems.add("unknown layout", relative(image, root), "name it normal_<number>")
    held_out = _held_out(Counter(group for _, group in images))
    for image, group in images:
        yield Record(
            image=relative(image, root),
            mask=None,
            modality=SOURCE.modality,
            dataset=SOURCE.name,
            target=SOURCE.target,
            group=group,
            split="val" if group in held_out else "train",
            licence=SOURCE.licence,
            is_healthy=True,
        )


def _group(number: int) -> str:
    """Blocks by their number, the others by their first image's."""
    for ranges in _SAME:
        if any(first <= number <= last for first, last in ranges):
            return f"busi_normal_from_{ranges[0][0]:03d}"
    return f"busi_normal{number // _BLOCK:03d}"


def _held_out(sizes: Counter[str]) -> set[str]:
    """Groups in the order of a hash, as far as they fit into the held-out share."""
    held_out, room = set[str](), round(_HELD_OUT * sizes.total())
    for group in sorted(sizes, key=lambda group: hashlib.sha256(group.encode()).hexdigest()):
        if sizes[group] <= room:
            held_out.add(group)
            room -= sizes[group]
    return held_out


SOURCE = Source(
    name="busi_normal",
    title="BUSI, its lesion-free images",
    modality="breast_ultrasound",
    target="breast lesion",
    licence="CC0 1.0",
    obtain="the folder 'normal' of BUSI without its black masks, files renamed to normal_<number>.jpg",
    groups=f"patients are not told: blocks of {_BLOCK} neighbouring numbers, and ranges that show the same breasts",
    splits="none; a fifth of the images, groups drawn by hash, is held out here",
    is_here=_is_here,
    read=_read,
)
