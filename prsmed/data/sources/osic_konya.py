"""Chest CT of the OSIC challenge with anatomy drawn by Konya, as PRS-Med's folder ``lung_CT`` holds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import SPLITS, Record
from prsmed.data.sources.layout import files, make_record, names, pair
from prsmed.data.sources.source import Source

_STUDY = re.compile(r"(ID\d{10,})_\d+")


def _is_here(folder: Path) -> bool:
    return any(_STUDY.match(name) for split in SPLITS for name in names(folder / f"{split}_images"))


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    for split in SPLITS:
        images, masks = (files(folder / f"{split}_{kind}", root, problems) for kind in ("images", "masks"))
        for image, own in pair(images, masks, root, problems):
            yield make_record(SOURCE, root, image, own, study(image.stem), split)


def study(stem: str) -> str:
    """The CT study a slice's name tells; the name itself when it tells none."""
    found = _STUDY.match(stem)
    return found[1] if found else stem


SOURCE = Source(
    name="osic_konya",
    title="OSIC chest CT with masks of lungs, heart and trachea (Konya)",
    modality="lung_ct",
    target="lungs, heart and trachea",
    licence="unknown (images: terms of the OSIC challenge on Kaggle)",
    obtain="PRS-Med's data folder lung_CT; volumes on Kaggle: sandorkonya/ct-lung-heart-trachea-segmentation",
    groups="the CT study, ID... in the name; the official val and test share their studies",
    splits="PRS-Med's 7,959 train, 3,010 val, 1,800 test",
    is_here=_is_here,
    read=_read,
)
