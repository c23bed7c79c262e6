"""Volumes listed in a ``VOLUMES.csv``: columns ``name, modality, image, label`` and, when there, ``target, labels``."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.sources.layout import named, names, relative
from prsmed.data.sources.slices import Targets, slice_records
from prsmed.data.sources.source import Source

_LIST = "VOLUMES.csv"
_COLUMNS = ("name", "modality", "image", "label")
_NOTE = re.compile(r"\s*\(.*\)$")  # "ct-3slice (DICOM)" is the folder ct-3slice
_KINDS = {"ct": "ct", "mr": "mri", "pet": "pet"}
_REGIONS = ("brain", "breast", "abdomen", "lung", "heart", "prostate")
_BY_WORD: tuple[tuple[str, Targets], ...] = (
    ("sarcoma", {"soft-tissue sarcoma": (1,)}),
    ("liver", {"liver": (1,)}),
    ("hippocampus", {"anterior hippocampus": (1,), "posterior hippocampus": (2,)}),
    # Regions that radiomics examples are measured in; whether they are tumours is not said.
    ("pyradiomics brain", {"lesion": (1,)}),
    ("pyradiomics breast", {"lesion": (1,)}),
)


def _is_here(folder: Path) -> bool:
    return _LIST in names(folder)


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    listing = folder / _LIST
    try:
        with listing.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file, restval="")
            if not set(_COLUMNS) <= set(rows.fieldnames or ()):
                raise ValueError
            numbered = [(rows.line_num, row) for row in rows]
    except (OSError, ValueError, csv.Error):
        problems.add("unreadable", relative(listing, root), f"write UTF-8 with the columns {', '.join(_COLUMNS)}")
        return
    for line, row in numbered:
        image, mask = (_find(folder, root, row[column]) for column in ("image", "label"))
        place = f"{relative(listing, root)}:{line}"
        targets = _targets(row)
        if image is None or mask is None:
            missing = "mask without image" if image is None else "image without mask"
            problems.add(missing, place, "copy the set anew, or remove the row")
        elif image == mask:
            problems.add("mask is the image", relative(image, root), "name the image")
        elif targets is None:
            problems.add("bad row", place, "say in a column 'target' what the label is, as 'name' or 'name=1 2; ...'")
        else:
            yield from slice_records(_volume(row, root, folder, image, mask), targets, root, problems)


def _find(folder: Path, root: Path, path: str) -> Path | None:
    """Paths are relative to the list, or to the folder that holds the list's; none outside the data folder."""
    plain = _NOTE.sub("", path)
    for base in (folder, folder.parent) if plain else ():
        try:
            found = named(plain, base, root)
        except ValueError:
            continue
        if found.exists():
            return found
    return None


def _volume(row: dict[str, str], root: Path, folder: Path, image: Path, mask: Path) -> Record:
    return Record(
        image=relative(image, root),
        mask=relative(mask, root),
        modality=_modality(row["modality"]),
        dataset=image.relative_to(folder).parts[0] if image.is_relative_to(folder) else SOURCE.name,
        target="",
        # "STS STS_001 CT", "STS STS_001 PET": set and case; more words tell a case's images apart.
        group=f"{SOURCE.name}/{' '.join(row['name'].split()[:2])}",
        split="train",
        licence=row.get("licence") or "unknown",
    )


def _modality(text: str) -> str:
    words = re.split("[^a-z]+", text.lower())
    kind = next((_KINDS[word] for word in words if word in _KINDS), "unknown")
    region = next((word for word in words if word in _REGIONS), None)
    return f"{region}_{kind}" if region and kind != "unknown" else kind


def _targets(row: dict[str, str]) -> Targets | None:
    if "prediction" in row.get("note", ""):
        return None  # a model's output is no truth to learn from
    if row.get("target"):
        return _written(row["target"])
    told = " ".join((row["name"], row["modality"], Path(row["label"]).name)).lower()
    return next((targets for word, targets in _BY_WORD if word in told), None)


def _written(text: str) -> Targets | None:
    targets: dict[str, tuple[int, ...]] = {}
    for part in text.split(";"):
        name, _, values = part.partition("=")
        if not name.strip() or not all(value.isdecimal() for value in values.split()):
            return None
        targets[name.strip()] = tuple(int(value) for value in values.split()) or (1,)
    return targets


SOURCE = Source(
    name="volume_list",
    title="Volumes listed in a VOLUMES.csv",
    modality="various",
    target="the column 'target', or what the row's name and modality say",
    licence="as the list says, by row",
    obtain=f"write a {_LIST} with the columns {', '.join(_COLUMNS)}, and target, licence",
    groups="the case: the first two words of the column 'name' (set and case)",
    splits="none",
    is_here=_is_here,
    read=_read,
)
