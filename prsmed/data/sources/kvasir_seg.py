"""Kvasir-SEG (Jha et al., MMM 2020): ``images/`` and ``masks/`` with equal names, boxes in ``kavsir_bboxes.json``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, make_record, names, pair
from prsmed.data.sources.source import Source


def _is_here(folder: Path) -> bool:
    # Its own names begin with "cju" or "ck2", as the annotation tool gave them; the archive misspells its own name.
    here = set(names(folder))
    is_marked = folder.name.lower() == "kvasir-seg" or bool(here & {"kavsir_bboxes.json", "kvasir_bboxes.json"})
    return {"images", "masks"} <= here and is_marked


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    images, masks = (files(folder / name, root, problems) for name in ("images", "masks"))
    for image, own in pair(images, masks, root, problems):
        yield make_record(SOURCE, root, image, own, image.stem)


SOURCE = Source(
    name="kvasir_seg",
    title="Kvasir-SEG",
    modality="polyp_endoscopy",
    target="polyp",
    licence="research and education only (terms on the owners' page)",
    obtain="datasets.simula.no/kvasir-seg",
    groups="patients are not told: every image alone",
    splits="none in the archive; PraNet's 900/100 is part of PRS-Med's own layout",
    is_here=_is_here,
    read=_read,
)
