"""Finding and Measuring Lungs in CT Data (Mader, Kaggle): ``2d_images`` in Hounsfield units and ``2d_masks``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, make_record, names, pair
from prsmed.data.sources.source import Source


def _is_here(folder: Path) -> bool:
    return {"2d_images", "2d_masks"} <= set(names(folder))


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    images, masks = (files(folder / name, root, problems) for name in ("2d_images", "2d_masks"))
    for image, own in pair(images, masks, root, problems):
        yield make_record(SOURCE, root, image, own, image.stem.split("_Z_")[0])


SOURCE = Source(
    name="finding_lungs",
    title="Finding and Measuring Lungs in CT Data",
    modality="lung_ct",
    target="lungs",
    licence="unknown (Kaggle names none that covers the images)",
    obtain="Kaggle: kmader/finding-lungs-in-ct-data",
    groups="the id in the name (ID_0000_Z_0142); whether two ids are one patient is unknown",
    splits="none",
    is_here=_is_here,
    read=_read,
)
