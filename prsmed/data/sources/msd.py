"""Medical Segmentation Decathlon and nnU-Net folders: ``imagesTr``, ``labelsTr``, names in ``dataset.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import files, make_record, names, pair, relative
from prsmed.data.sources.slices import Targets, slice_records
from prsmed.data.sources.source import Source

VOLUMES = (".nii.gz", ".nii", ".nrrd", ".mha")
_CHANNEL = re.compile(r"_0000$")  # nnU-Net's first channel

# The decathlon's tasks by their labels, in order. An organ's own value leaves out the tumour inside it.
_TASKS: dict[tuple[str, ...], tuple[str, Targets]] = {
    ("edema", "non-enhancing tumor", "enhancing tumour"): ("brain_mri", {"brain tumour": (1, 2, 3)}),
    ("left atrium",): ("heart_mri", {"left atrium": (1,)}),
    ("liver", "cancer"): ("abdomen_ct", {"liver": (1, 2), "liver tumour": (2,)}),
    ("anterior", "posterior"): ("brain_mri", {"anterior hippocampus": (1,), "posterior hippocampus": (2,)}),
    ("pz", "tz"): ("prostate_mri", {"prostate": (1, 2)}),
    ("cancer",): ("lung_ct", {"lung tumour": (1,)}),
    ("pancreas", "cancer"): ("abdomen_ct", {"pancreas": (1, 2), "pancreatic mass": (2,)}),
    ("vessel", "tumour"): ("abdomen_ct", {"liver vessels": (1,), "liver tumour": (2,)}),
    ("spleen",): ("abdomen_ct", {"spleen": (1,)}),
    ("colon cancer primaries",): ("abdomen_ct", {"colon tumour": (1,)}),
}


def _is_here(folder: Path) -> bool:
    return {"dataset.json", "imagesTr", "labelsTr"} <= set(names(folder))


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    listing = folder / "dataset.json"
    try:
        about = json.loads(listing.read_text(encoding="utf-8"))
        modality, targets = _as_listed(about)
        modality, targets = _TASKS.get(tuple(targets), (modality, targets))
    except (OSError, ValueError, AttributeError, TypeError):
        problems.add("unreadable", relative(listing, root), "write the decathlon's dataset.json")
        return
    licence = str(about.get("licence") or about.get("license") or "unknown")
    images, masks = (files(folder / name, root, problems, VOLUMES) for name in ("imagesTr", "labelsTr"))
    for image, own in pair(images, masks, root, problems, image_key=case, mask_key=case):
        group = f"{folder.name}/{case(image.stem)}"
        volume = make_record(SOURCE, root, image, own, group, modality=modality, licence=licence)
        yield from slice_records(volume, targets, root, problems)


def case(stem: str) -> str:
    """A case's name without endings and channel."""
    return _CHANNEL.sub("", stem.removesuffix(".nii"))


def _as_listed(about: dict[str, Any]) -> tuple[str, Targets]:
    """By ``dataset.json`` alone: ``{"1": "liver"}`` of the decathlon, ``{"liver": 1}`` of nnU-Net."""
    targets: dict[str, tuple[int, ...]] = {}
    for key, value in about["labels"].items():
        name, values = (value, key) if isinstance(value, str) else (key, value)
        if name.lower() not in ("background", "ignore"):
            targets[name.lower()] = tuple(int(number) for number in (values if isinstance(values, list) else [values]))
    channels = about.get("modality") or about.get("channel_names") or {}
    first = str(channels.get("0", "")).upper()
    return ("ct" if first == "CT" else "mri" if "MR" in first else "unknown"), targets


SOURCE = Source(
    name="msd",
    title="Medical Segmentation Decathlon, or any nnU-Net folder",
    modality="various",
    target="the labels of dataset.json",
    licence="as dataset.json says; the decathlon's ten tasks are CC BY-SA 4.0",
    obtain="medicaldecathlon.com",
    groups="the volume, which is one patient",
    splits="imagesTr is train; the labels of the decathlon's test part are not published",
    is_here=_is_here,
    read=_read,
)
