"""What an audit found: plain values, counted in full, with the first examples of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from prsmed.data.record import Record, Split
from prsmed.position.findings import Zone

T = TypeVar("T")
LISTED = 1000
"""So many examples of a kind are kept; a set of any size is audited in the same memory."""


@dataclass
class Listed(Generic[T]):
    """A count and its first :data:`LISTED` examples."""

    count: int = 0
    shown: list[T] = field(default_factory=list)

    def add(self, item: T) -> None:
        """Count one, and keep it while there is room."""
        self.count += 1
        if len(self.shown) < LISTED:
            self.shown.append(item)

    def __iter__(self) -> Iterator[T]:
        return iter(self.shown)


@dataclass(frozen=True)
class Pair:
    """Two records of the same picture.

    Attributes:
        first: One.
        second: The other; of another file, split or group.
        bits: In how many of 255 bits their hashes differ; 0 too when ``is_exact``.
        is_exact: Whether all pixels are equal.
    """

    first: Record
    second: Record
    bits: int
    is_exact: bool


@dataclass(frozen=True)
class SharedGroup:
    """A patient, video or sequence that lies in several splits.

    Attributes:
        within: The modality it belongs to; the set, when it has one modality in one split and another in another.
        group: Its name.
        counts: How many of its images each split holds.
        firsts: The first image of each split, in the same order.
    """

    within: str
    group: str
    counts: Mapping[Split, int]
    firsts: tuple[Record, ...]


@dataclass(frozen=True)
class Unreadable:
    """A record that could not be read, and why (:attr:`PRSMedError.code`)."""

    record: Record
    code: str


@dataclass(frozen=True)
class Balance:
    """How many images of a set, modality, target and split there are, and how many show the target."""

    source: str
    modality: str
    target: str
    split: str
    images: int
    present: int


@dataclass(frozen=True)
class Zones:
    """Where a modality's targets are in a split, the whole mask of an image taken as one region.

    Attributes:
        modality: Of the images.
        split: They are in.
        box: Images by zone after the released code's rule (bounding box).
        area: Images by zone after the paper's A.6 (most area).
        differ: Images that the rules name differently.
        quadrants_differ: Those of them that neither calls central: area and box in different quadrants.
    """

    modality: str
    split: str
    box: Mapping[Zone, int]
    area: Mapping[Zone, int]
    differ: int
    quadrants_differ: int

    @property
    def images(self) -> int:
        """Images with a target."""
        return sum(self.box.values())

    @property
    def majority(self) -> Zone:
        """The zone most images have by the box rule: what a model learns to say that never looks."""
        return max(self.box, key=lambda zone: self.box[zone])

    @property
    def majority_accuracy(self) -> float:
        """Share of images that always answering :attr:`majority` gets right."""
        return self.box[self.majority] / self.images

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the zones of the share got right: all of one zone and none of the others."""
        return 1 / len(self.box)


@dataclass(frozen=True)
class Questions:
    """How many turns of a kind are asked about a modality in a split.

    Attributes:
        kind: Kind of question.
        modality: Of the images.
        split: They are in.
        turns: Questions with their answers.
        absent: Those about something that is not there.
        letters: Multiple choice: how often each letter is right.
    """

    kind: str
    modality: str
    split: str
    turns: int
    absent: int
    letters: Mapping[str, int]


@dataclass(frozen=True)
class Licence:
    """Under which licence how many images of a set are."""

    source: str
    licence: str
    images: int


@dataclass(frozen=True)
class Audit:
    """All that is to be known before a set is trained on.

    Attributes:
        images: Records looked at.
        shared_groups: Groups in several splits: leaks.
        leaks: The same picture in two splits.
        duplicates: The same picture twice in one split: equal pixels, or near-duplicates of different groups.
        alike_in_group: Pairs of near-duplicates inside one group and split, as frames of a video are: no fault.
        empty: Masks without a pixel, of pictures their publisher does not call healthy.
        specks: Masks with regions below a tenth of their largest.
        gray: Mask files with more than two values.
        unreadable: What could not be read.
        balance: Counts by source, modality, target and split.
        zones: Positions by modality and split.
        questions: Counts by kind, modality and split; empty when records alone are audited.
        licences: By source.
    """

    images: int
    shared_groups: Listed[SharedGroup]
    leaks: Listed[Pair]
    duplicates: Listed[Pair]
    alike_in_group: int
    empty: Listed[Record]
    specks: Listed[Record]
    gray: Listed[Record]
    unreadable: Listed[Unreadable]
    balance: tuple[Balance, ...]
    zones: tuple[Zones, ...]
    questions: tuple[Questions, ...]
    licences: tuple[Licence, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for machines; records as their paths."""
        return {
            "images": self.images,
            "shared_groups": _listed(self.shared_groups, _group),
            "leaks": _listed(self.leaks, _pair),
            "duplicates": _listed(self.duplicates, _pair),
            "alike_in_group": self.alike_in_group,
            "empty": _listed(self.empty, _mask),
            "specks": _listed(self.specks, _mask),
            "gray": _listed(self.gray, _mask),
            "unreadable": _listed(self.unreadable, lambda found: {"image": found.record.image, "code": found.code}),
            "balance": [asdict(row) for row in self.balance],
            "zones": [
                asdict(row)
                | {
                    "majority": row.majority,
                    "majority_accuracy": row.majority_accuracy,
                    "balanced_accuracy": row.balanced_accuracy,
                }
                for row in self.zones
            ],
            "questions": [asdict(row) for row in self.questions],
            "licences": [asdict(row) for row in self.licences],
        }


def _listed(found: Listed[T], plain: Any) -> dict[str, Any]:
    return {"count": found.count, "shown": [plain(item) for item in found]}


def _group(found: SharedGroup) -> dict[str, Any]:
    images = [record.image for record in found.firsts]
    return {"within": found.within, "group": found.group, "counts": dict(found.counts), "images": images}


def _mask(record: Record) -> dict[str, str | None]:
    return {"image": record.image, "mask": record.mask, "split": record.split}


def _pair(pair: Pair) -> dict[str, Any]:
    images = [{"image": r.image, "split": r.split, "group": r.group} for r in (pair.first, pair.second)]
    return {"images": images, "bits": pair.bits, "exact": pair.is_exact}
