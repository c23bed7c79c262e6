"""The tuberculosis radiographs of the NLM: Montgomery (one mask a lung) and Shenzhen (masks by Stirenko et al.)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, make_record, names, pair
from prsmed.data.sources.source import Source

_IMAGES = "CXR_png"
_LUNGS = ("ManualMask/leftMask", "ManualMask/rightMask")
_SHENZHEN_MASKS = ("mask", "mask/mask", "masks")


def _is_montgomery_here(folder: Path) -> bool:
    return {_IMAGES, "ManualMask"} <= set(names(folder))


def _is_shenzhen_here(folder: Path) -> bool:
    return any(name.startswith("CHNCXR") for name in names(folder / _IMAGES))


def _read_montgomery(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    masks = [mask for lung in _LUNGS for mask in files(folder / lung, root, problems)]
    for image, own in pair(files(folder / _IMAGES, root, problems), masks, root, problems):
        if len(own) < len(_LUNGS):
            problems.add("image without mask", f"{image.relative_to(root).as_posix()}", "add the other lung's mask")
        else:
            yield make_record(MONTGOMERY, root, image, own, image.stem, is_healthy=is_normal(image.stem))


def _read_shenzhen(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    masks = [mask for name in _SHENZHEN_MASKS for mask in files(folder / name, root, problems)]
    images = files(folder / _IMAGES, root, problems)
    for image, own in pair(images, masks, root, problems, mask_key=lambda stem: stem.removesuffix("_mask")):
        yield make_record(SHENZHEN, root, image, own, image.stem, is_healthy=is_normal(image.stem))


def is_normal(stem: str) -> bool:
    """Whether a name ends in 0, a normal chest; 1 is tuberculosis."""
    return stem.endswith("_0")


MONTGOMERY = Source(
    name="montgomery",
    title="Montgomery County chest X-ray set",
    modality="lung_xray",
    target="lungs",
    licence="NLM: public, free to use with citation",
    obtain="openi.nlm.nih.gov, NLM-MontgomeryCXRSet.zip",
    groups="every image is one patient",
    splits="none",
    is_here=_is_montgomery_here,
    read=_read_montgomery,
)
SHENZHEN = Source(
    name="shenzhen",
    title="Shenzhen Hospital chest X-ray set",
    modality="lung_xray",
    target="lungs",
    licence="images: NLM, public with citation; masks: CC BY-NC-SA 4.0 (Stirenko et al.)",
    obtain="images: openi.nlm.nih.gov, ChinaSet_AllFiles.zip; masks (566 of 662): Kaggle yoctoman/shcxr-lung-mask",
    groups="every image is one patient",
    splits="none",
    is_here=_is_shenzhen_here,
    read=_read_shenzhen,
)
