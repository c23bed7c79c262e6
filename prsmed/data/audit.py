"""Look through a data set before training on it: leaks, duplicates, doubtful masks, balance, baselines, licences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from prsmed.data.audit_findings import Audit, Balance, Licence, Listed, Questions, Unreadable, Zones
from prsmed.data.audit_groups import Groups
from prsmed.data.audit_twins import Twins
from prsmed.data.images import cut, read_image
from prsmed.data.members import is_member
from prsmed.data.pictures import masks_of
from prsmed.data.record import Record, Split
from prsmed.data.review import accepted, reviewed
from prsmed.data.schema import Conversation
from prsmed.errors import PRSMedError
from prsmed.position.findings import ZONES, Zone
from prsmed.position.zones import locate_area, locate_box

_SPECK_SHARE = 0.1  # as in prsmed.position.zones.regions, which does not name such regions
Progress = Callable[[int, int], None]


def audit(
    records: Sequence[Record], root: Path, questions: Sequence[Questions] = (), progress: Progress | None = None
) -> Audit:
    """Read every image and mask once and tell what is wrong or one-sided.

    Pixels are looked at and dropped; of a picture stay its record and 48 bytes.

    Args:
        records: What to look at. Pictures are compared with each other; slices of volumes and phantoms are not.
        root: Folder their paths are relative to.
        questions: Counted beforehand, see :func:`audit_conversations`.
        progress: Told ``(done, total)`` records.
    """
    tally = _Tally()
    for done, record in enumerate(records, start=1):
        tally.look_at(record, root)
        if progress is not None:
            progress(done, len(records))
    return tally.finish(len(records), questions)


def audit_conversations(path: Path, root: Path, progress: Progress | None = None) -> Audit:
    """Audit the images that a built ``conversations.jsonl`` asks about, and count its questions.

    Args:
        path: Of the file; what reviewers rejected is left out, as training does.
        root: Folder the records' paths are relative to.
        progress: Told ``(done, total)`` records.

    Raises:
        PRSMedError: What :func:`~prsmed.data.schema.read_conversations` raises.
    """
    records: dict[Record, None] = {}
    counts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for conversation in accepted(reviewed(path)):
        records[conversation.record] = None
        record = conversation.record
        counts[conversation.kind, record.modality, record.split].update(_count_turns(conversation))
    questions = [
        Questions(*key, counted["turns"], counted["absent"], {k: n for k, n in sorted(counted.items()) if len(k) == 1})
        for key, counted in sorted(counts.items())
    ]
    return audit(list(records), root, questions, progress)


def _count_turns(conversation: Conversation) -> Iterable[str]:
    for turn in conversation.turns:
        yield "turns"
        if not turn.present:
            yield "absent"
        if turn.letter is not None:
            yield turn.letter


class _Tally:
    def __init__(self) -> None:
        self._twins = Twins()
        self._empty: Listed[Record] = Listed()
        self._specks: Listed[Record] = Listed()
        self._gray: Listed[Record] = Listed()
        self._unreadable: Listed[Unreadable] = Listed()
        self._groups = Groups()
        self._balance: dict[tuple[str, str, str, str], Counter[bool]] = defaultdict(Counter)
        self._zones: dict[tuple[str, Split], Counter[tuple[Zone, Zone]]] = defaultdict(Counter)
        self._licences: Counter[tuple[str, str]] = Counter()

    def look_at(self, record: Record, root: Path) -> None:
        self._groups.add(record)
        self._licences[record.dataset, record.licence] += 1
        try:
            pixels, mask = read_image(replace(record, crop=None), root)
        except PRSMedError as error:
            self._unreadable.add(Unreadable(record, error.code))
            return
        if record.slice is None and not record.is_phantom:
            self._twins.add(record, pixels)
            self._check_mask(record, mask, root)
        if record.crop is not None:
            mask = cut(pixels, mask, record.crop)[1]
        present = bool(mask.any())
        self._balance[record.dataset, record.modality, record.target, record.split][present] += 1
        if present:
            named = locate_box(mask).zone, locate_area(mask).zone
            self._zones[record.modality, record.split][named] += 1

    def _check_mask(self, record: Record, mask: NDArray[np.uint8], root: Path) -> None:
        if record.mask is None:
            return
        if not mask.any() and not record.is_healthy:
            self._empty.add(record)
        if _has_specks(mask):
            self._specks.add(record)
        # Masks inside another file are black and white.
        if not record.labels and any(_has_grays(root / path) for path in masks_of(record) if not is_member(path)):
            self._gray.add(record)

    def finish(self, images: int, questions: Sequence[Questions]) -> Audit:
        self._twins.compare()
        return Audit(
            images=images,
            shared_groups=self._groups.shared(),
            leaks=self._twins.leaks,
            duplicates=self._twins.duplicates,
            alike_in_group=self._twins.alike_in_group,
            empty=self._empty,
            specks=self._specks,
            gray=self._gray,
            unreadable=self._unreadable,
            balance=tuple(Balance(*key, n.total(), n[True]) for key, n in sorted(self._balance.items())),
            zones=tuple(_zones(*key, named) for key, named in sorted(self._zones.items())),
            questions=tuple(questions),
            licences=tuple(Licence(*key, count) for key, count in sorted(self._licences.items())),
        )


def _zones(modality: str, split: Split, named: Counter[tuple[Zone, Zone]]) -> Zones:
    by_box: Counter[Zone] = Counter()
    by_area: Counter[Zone] = Counter()
    for (box, area), count in named.items():
        by_box[box] += count
        by_area[area] += count
    differ = sum(count for (box, area), count in named.items() if box != area)
    quadrants = sum(count for (box, area), count in named.items() if box not in (area, "center"))
    return Zones(modality, split, _in_order(by_box), _in_order(by_area), differ, quadrants)


def _in_order(counts: Counter[Zone]) -> dict[Zone, int]:
    return {zone: counts[zone] for zone in ZONES if counts[zone]}


def _has_specks(mask: NDArray[np.uint8]) -> bool:
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    if count < 2:
        return False
    sizes = np.bincount(labels.ravel())[1:]
    return bool(sizes.min() < _SPECK_SHARE * sizes.max())


def _has_grays(path: Path) -> bool:
    with Image.open(path) as image:
        return image.convert("L").getcolors(maxcolors=2) is None
