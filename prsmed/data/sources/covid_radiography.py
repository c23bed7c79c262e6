"""COVID-19 Radiography Database: four classes, each with ``images`` (299 px) and lung ``masks`` (256 px)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, make_record, names, pair
from prsmed.data.sources.source import Source

_CLASSES = ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia")


def _is_here(folder: Path) -> bool:
    return len(set(_CLASSES) & set(names(folder))) > 1 and any(
        {"images", "masks"} <= set(names(folder / kind)) for kind in _CLASSES
    )


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    for kind in _CLASSES:
        images, masks = (files(folder / kind / name, root, problems) for name in ("images", "masks"))
        for image, own in pair(images, masks, root, problems):
            healthy = kind == "Normal"
            yield make_record(SOURCE, root, image, own, image.stem, is_healthy=healthy, is_mask_scaled=True)


SOURCE = Source(
    name="covid_radiography",
    title="COVID-19 Radiography Database",
    modality="lung_xray",
    target="lungs",
    licence="unknown (Kaggle: data files (c) original authors; drawn from sets with terms of their own)",
    obtain="Kaggle: tawsifurrahman/covid19-radiography-database",
    groups="patients are not told: every image alone",
    splits="none; PRS-Med's 16,280/1,372/957 is part of its own layout",
    is_here=_is_here,
    read=_read,
)
