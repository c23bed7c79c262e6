"""BUSI: breast ultrasound of Al-Dhabyani et al. (Data in Brief 2020), folders benign, malignant, normal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import block, files, make_record, names, pair
from prsmed.data.sources.source import Source

_CLASSES = ("benign", "malignant", "normal")
_NEIGHBOURS = 5
_MASK = re.compile(r"_mask(_\d+)?$")  # "benign (4)_mask", "benign (4)_mask_1": one mask a lesion


def _is_here(folder: Path) -> bool:
    return {"benign", "malignant"} <= set(names(folder)) and any(
        name.startswith("benign (") for name in names(folder / "benign")
    )


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    for kind in _CLASSES:
        pictures = files(folder / kind, root, problems)
        masks = [path for path in pictures if _MASK.search(path.stem)]
        images = [path for path in pictures if path not in set(masks)]
        if kind == "normal":  # their masks are black, and not every copy of the set holds them
            for image in images:
                yield make_record(SOURCE, root, image, (), _group(image), is_healthy=True)
            continue
        for image, own in pair(images, masks, root, problems, mask_key=lambda stem: _MASK.sub("", stem)):
            yield make_record(SOURCE, root, image, own, _group(image))


def _group(image: Path) -> str:
    return f"{image.parent.name}/{block(image.stem, _NEIGHBOURS)}"


SOURCE = Source(
    name="busi",
    title="BUSI, breast ultrasound images",
    modality="breast_ultrasound",
    target="breast tumour",
    licence="CC0 1.0 (Kaggle copy; the paper, Al-Dhabyani 2020, is CC BY)",
    obtain="Kaggle: aryashah2k/breast-ultrasound-images-dataset, or the authors' page at Cairo University",
    groups=f"patients are not told: blocks of {_NEIGHBOURS} neighbouring numbers of a class; near-duplicates are known",
    splits="none",
    is_here=_is_here,
    read=_read,
)
