"""PRS-Med's own data: ``<folder>/{train,val,test}_{images,masks}``, annotations in ``annotations/qa/<folder>.csv``.

The folders' names call the brain MRI and the breast ultrasound "CT scan", and the text calls every target a tumour;
what they truly are is said here (``research/prs-med.md`` 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import SPLITS, Record
from prsmed.data.sources.image_folder import mask_key
from prsmed.data.sources.layout import block, files, make_record, names, pair, relative
from prsmed.data.sources.osic_konya import study
from prsmed.data.sources.source import Source


@dataclass(frozen=True)
class _Part:
    modality: str
    target: str
    licence: str
    group: Callable[[str], str]
    is_mask_scaled: bool = False


def _alone(stem: str) -> str:
    return stem


def _brain_block(stem: str) -> str:
    return block(stem, 50)


_PARTS = {
    "brain_tumors_ct_scan": _Part("brain_mri", "brain tumour", "CC BY 4.0 (figshare 1512427, Cheng)", _brain_block),
    "breast_tumors_ct_scan": _Part("breast_ultrasound", "breast tumour", "CC0 1.0 (BUSI)", _alone),
    "lung_CT": _Part("lung_ct", "lungs, heart and trachea", "unknown (OSIC challenge, Konya)", study),
    "lung_Xray": _Part("lung_xray", "lungs", "unknown (COVID-19 Radiography Database)", _alone, is_mask_scaled=True),
    "polyp_endoscopy": _Part("polyp_endoscopy", "polyp", "unknown (PraNet's five sets, terms of each)", _alone),
    "skin_rgbimage": _Part("skin_dermoscopy", "skin lesion", "CC0 1.0 (ISIC 2016)", _alone),
}
QA = Path("annotations", "qa")


def part_of(record: Record) -> str:
    """Which of the set's folders a record of it lies in: the folder above ``train_images``."""
    return Path(record.image).parts[-3]


def _is_here(folder: Path) -> bool:
    base = _base(folder)
    parts = [name for name in names(base) if name in _PARTS]
    return (
        any(name.endswith(".csv") for name in names(folder / QA)) or (base != folder and bool(parts)) or len(parts) > 1
    )


def _base(folder: Path) -> Path:
    """The parts lie in ``data/`` as published, or right here."""
    return folder / "data" if _PARTS.keys() & set(names(folder / "data")) else folder


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    base = _base(folder)
    for name in names(base):
        if name not in _PARTS and (base / name / "train_images").is_dir():
            problems.add("unknown layout", relative(base / name, root), f"the parts are {', '.join(_PARTS)}")
    for name, part in _PARTS.items():
        for split in SPLITS:
            images, masks = (files(base / name / f"{split}_{kind}", root, problems) for kind in ("images", "masks"))
            for image, own in pair(images, masks, root, problems, mask_key=mask_key):
                group = f"{name}/{part.group(image.stem)}"
                yield make_record(
                    SOURCE,
                    root,
                    image,
                    own,
                    group,
                    split,
                    modality=part.modality,
                    target=part.target,
                    licence=part.licence,
                    is_mask_scaled=part.is_mask_scaled,
                )


SOURCE = Source(
    name="prs_med",
    title="PRS-Med's data (MMRS, PosMed)",
    modality="various",
    target="by folder; the two lung folders show anatomy, no tumours",
    licence="by folder, as the sets it was made from",
    obtain="the data release of the PRS-Med authors; questions and answers in annotations/qa",
    groups="CT: the study; brain MRI: blocks of 50 neighbours; others: every image alone. The official split leaks",
    splits="train_, val_ and test_ folders: 28,650 / 5,434 / 4,647 images",
    is_here=_is_here,
    read=_read,
)
