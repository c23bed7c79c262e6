"""A MONAI Label datastore: ``datastore_v2.json``, images beside it, corrected labels in ``labels/final``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import PICTURES, files, make_record, named, names, natural, relative
from prsmed.data.sources.msd import VOLUMES
from prsmed.data.sources.slices import Targets, slice_records
from prsmed.data.sources.source import Source

LISTING = "datastore_v2.json"
_FINAL = "final"


def _is_here(folder: Path) -> bool:
    return LISTING in names(folder)


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    try:
        objects = json.loads((folder / LISTING).read_text(encoding="utf-8"))["objects"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        problems.add("unreadable", relative(folder / LISTING, root), "let MONAI Label write it anew")
        return
    used = set()
    for name, entry in sorted(objects, key=lambda item: natural(item[0])):
        try:
            image, label, targets = _parts(root, folder, name, entry)
        except (KeyError, TypeError, ValueError, AttributeError):
            problems.add("bad row", f"{relative(folder / LISTING, root)}:{name}", "let MONAI Label write it anew")
            continue
        if label is None or not label.is_file():
            problems.add("image without mask", relative(image, root), "submit a label, or leave it for later")
            continue
        used.add(label)
        if not image.exists():
            problems.add("mask without image", relative(label, root), "put the image back")
        else:
            yield from _records(root, image, label, targets, problems)
    for label in files(folder / "labels" / _FINAL, root, problems, (*PICTURES, *VOLUMES)):
        if label not in used:
            problems.add("mask without image", relative(label, root), "put the image back")


def _parts(root: Path, folder: Path, name: str, entry: dict[str, Any]) -> tuple[Path, Path | None, Targets]:
    image = named(name + entry["image"]["ext"], folder, root)
    if not image.exists() and not entry["image"]["ext"]:
        image = named(name.replace("__", "/"), folder, root)  # a DICOM series, as this project's own server names them
    final = entry.get("labels", {}).get(_FINAL)
    if final is None:
        return image, None, {}
    return image, named(name + final["ext"], folder / "labels" / _FINAL, root), _targets(final.get("info") or {})


def _targets(info: dict[str, Any]) -> Targets:
    """What a label shows: ``label_info`` of 3D Slicer's module, or ``label_names`` of a task's answer."""
    told = info.get("label_info")
    if told:
        return {str(item["name"]): (int(item["idx"]),) for item in told}
    named = info.get("label_names") or (info.get("params") or {}).get("label_names") or {}
    return {str(name): (int(value),) for name, value in named.items()} or {SOURCE.target: (1,)}


def _records(root: Path, image: Path, label: Path, targets: Targets, problems: Problems) -> Iterator[Record]:
    group = image.name.split(".")[0]
    if not image.name.lower().endswith(PICTURES):
        yield from slice_records(make_record(SOURCE, root, image, (label,), group), targets, root, problems)
        return
    for target, values in targets.items():
        yield make_record(SOURCE, root, image, (label,), group, target=target, labels=values)


SOURCE = Source(
    name="monai_label",
    title="A MONAI Label datastore",
    modality="unknown",
    target="marked region",
    licence="unknown (the owner's own images)",
    obtain="the studies folder of a MONAI Label server; labels submitted there are its masks",
    groups="the image",
    splits="none",
    is_here=_is_here,
    read=_read,
)
