"""JSRT radiographs (``All247images/JPCLN001.IMG``) with the lung masks of SCR (``fold1/masks/left lung/...gif``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import PICTURES, files, make_record, names, pair
from prsmed.data.sources.source import Source

_IMAGES = "All247images"
_SCR = ("scratch", "SCR", "scr", ".")  # what people call the unpacked archive of masks
_LUNGS = ("left lung", "right lung")


def _is_here(folder: Path) -> bool:
    return _IMAGES in names(folder)


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    images = files(folder / _IMAGES, root, problems, (".img", *PICTURES))
    parts = [folder / name / fold / "masks" / lung for name in _SCR for fold in ("fold1", "fold2") for lung in _LUNGS]
    masks = [mask for part in dict.fromkeys(parts) for mask in files(part, root, problems)]
    for image, own in pair(images, masks, root, problems):
        # Names tell nodules (JPCLN) from none (JPCNN); SCR drew at 1024, the images have 2048.
        healthy = image.stem.startswith("JPCNN")
        yield make_record(SOURCE, root, image, own, image.stem, is_healthy=healthy, is_mask_scaled=True)


SOURCE = Source(
    name="jsrt",
    title="JSRT chest radiographs with SCR lung masks",
    modality="lung_xray",
    target="lungs",
    licence="unknown (images: JSRT, free for research with citation; masks: SCR, research only)",
    obtain="images: db.jsrt.or.jp (All247images.zip); masks: SCR database, zenodo.org/records/7056076",
    groups="every image is one patient",
    splits="none to train on; SCR names two folds, odd and even numbers, for cross-validation",
    is_here=_is_here,
    read=_read,
)
