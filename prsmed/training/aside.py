"""Training images that are not trained on, to choose weights by: whole groups, so that no patient is on both sides."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from prsmed.data import Record, phantom_records, read_pairs

SHARE = 0.1


def all_records(data: Path, phantoms: int, seed: int) -> list[Record]:
    """The pairs of a folder and the phantoms that a run knows beside them."""
    return [*read_pairs(data), *phantom_records(phantoms, seed)]


def set_aside(records: Sequence[Record], share: float = SHARE) -> tuple[list[Record], list[Record]]:
    """Part training records into those to train on and those set aside.

    Of each modality, groups are set aside in the order of a hash of their names as long as they fit into ``share`` of
    its images; so the same ones are whatever else is trained on. Phantoms are all trained on.

    Returns:
        Both parts, each in the order given.
    """
    sizes = Counter((record.modality, record.group) for record in records if not record.is_phantom)
    room = {name: share * count for name, count in Counter(r.modality for r in records).items()}
    aside: set[tuple[str, str]] = set()
    for group in sorted(sizes, key=_place):
        if sizes[group] <= room[group[0]]:
            room[group[0]] -= sizes[group]
            aside.add(group)
    chosen = [(record.modality, record.group) in aside and not record.is_phantom for record in records]
    kept = [record for record, is_aside in zip(records, chosen, strict=True) if not is_aside]
    return kept, [record for record, is_aside in zip(records, chosen, strict=True) if is_aside]


def _place(group: tuple[str, str]) -> str:
    return hashlib.sha256("\0".join(group).encode()).hexdigest()
