"""A MedSeg-QA-style JSON: multi-turn conversations whose answers point at masks with ``[SEG]``.

The set itself is not published; this is the form of ``research/prs-med.md`` 6.2::

    {"image": "a.png", "turns": [{"role": "user", "text": ...},
     {"role": "assistant", "text": "... [SEG].", "targets": [{"token": "[SEG]", "label": ..., "mask" or "rle": ...}]}],
     "source": ..., "reviewed_by": ...}

as a list, or one a line. A target with neither mask nor rle is not in the image. ``modality``, ``group``, ``split`` and
``licence`` of an entry are read when there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prsmed.data.members import is_member, read_entries
from prsmed.data.problems import Problems
from prsmed.data.record import SPLITS, Record
from prsmed.data.run_length import decode
from prsmed.data.sources.layout import files, make_record, named, names, relative
from prsmed.data.sources.source import Source

_NAME = re.compile(r".*med_?-?seg.*\.jsonl?", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One conversation as published.

    Attributes:
        id: ``FILE:NUMBER``, the file relative to the data folder.
        fields: As they stand in the file.
        records: The image with the masks of one label, for every label in the order of mention.
    """

    id: str
    fields: dict[str, Any]
    records: tuple[Record, ...]


def entries(root: Path, folder: Path, problems: Problems) -> Iterator[Entry]:
    """Every usable entry of the folder's files; the others go to ``problems``."""
    for listing in files(folder, root, problems, (".json", ".jsonl")):
        if not _NAME.fullmatch(listing.name):
            continue
        try:
            found = read_entries(listing)
        except (OSError, ValueError):
            problems.add("unreadable", relative(listing, root), "write JSON in UTF-8")
            continue
        for number, fields in enumerate(found):
            id = f"{relative(listing, root)}:{number}"
            try:
                entry = Entry(id, fields, tuple(_records(root, listing, number, fields, problems)))
            except (KeyError, TypeError, ValueError, AttributeError):
                problems.add("bad row", id, "give it image, turns with role and text, targets with label and mask")
                continue
            if entry.records:
                yield entry


def _is_here(folder: Path) -> bool:
    return any(_NAME.fullmatch(name) for name in names(folder))


def _read(root: Path, folder: Path, problems: Problems) -> Iterator[Record]:
    for entry in entries(root, folder, problems):
        yield from entry.records


def _records(root: Path, listing: Path, number: int, fields: dict[str, Any], problems: Problems) -> Iterator[Record]:
    image = named(fields["image"], listing.parent, root)
    masks: dict[str, list[Path]] = {}
    for turn, said in enumerate(fields["turns"]):
        _ = said["role"], said["text"] + ""
        for index, target in enumerate(said.get("targets") or ()):
            own = masks.setdefault(str(target["label"]), [])
            if "mask" in target:
                own.append(named(target["mask"], listing.parent, root))
            elif "rle" in target:
                own.append(Path(f"{listing}#{number}/{turn}/{index}"))
                decode(target["rle"])
    split = fields.get("split", "train")
    if split not in SPLITS:
        raise ValueError(split)
    about = {field: str(fields[field]) for field in ("modality", "licence") if field in fields}
    for label, all_own in masks.items():
        own = list(dict.fromkeys(all_own))
        if not image.is_file():
            problems.add("mask without image", relative((own or [image])[0], root), "copy the set anew")
        elif any(not is_member(str(mask)) and not mask.is_file() for mask in own):
            problems.add("image without mask", relative(image, root), "copy the set anew")
        elif image in own:
            problems.add("mask is the image", relative(image, root), "name the image")
        else:
            group = str(fields.get("group", fields["image"]))
            yield make_record(SOURCE, root, image, own, group, split, target=label, **about)


SOURCE = Source(
    name="medseg_qa",
    title="MedSeg-QA-style conversations",
    modality="unknown",
    target="the labels of its targets",
    licence="unknown",
    obtain="not published by the authors of MedSeg-R; write a file medseg*.json in this form",
    groups="the entry's field 'group', else the image",
    splits="the entry's field 'split', else none",
    is_here=_is_here,
    read=_read,
)
