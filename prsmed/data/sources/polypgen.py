"""PolypGen (Ali et al., Scientific Data 2023): single frames of six centres, and video sequences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, make_record, names, natural, pair
from prsmed.data.sources.source import Source

_CENTRE = re.compile(r"data_(C\d)")


def _is_here(folder: Path) -> bool:
    return any(_CENTRE.fullmatch(name) for name in names(folder))


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    for name in names(folder):
        if _CENTRE.fullmatch(name):
            yield from _pairs(root, folder / name, name.removeprefix("data_"), problems)
    sequences = folder / "sequenceData"
    for name in sorted(names(sequences / "positive"), key=natural):
        yield from _pairs(root, sequences / "positive" / name, name, problems)
    for name in sorted(names(sequences / "negativeOnly"), key=natural):
        for image in files(sequences / "negativeOnly" / name, root, problems):
            yield make_record(SOURCE, root, image, (), f"negative/{name}")


def _pairs(root: Path, folder: Path, name: str, problems: Problems) -> Iterator[Record]:
    images, masks = (files(folder / f"{kind}_{name}", root, problems) for kind in ("images", "masks"))
    for image, own in pair(images, masks, root, problems, mask_key=lambda stem: stem.removesuffix("_mask")):
        yield make_record(SOURCE, root, image, own, name)


SOURCE = Source(
    name="polypgen",
    title="PolypGen",
    modality="polyp_endoscopy",
    target="polyp",
    licence="CC BY 4.0",
    obtain="Synapse syn26376615 (10.7303/syn26376615), PolypGen2021_MultiCenterData_v3",
    groups="the video sequence; of single frames, whose patients are not told, the whole centre",
    splits="none",
    is_here=_is_here,
    read=_read,
)
