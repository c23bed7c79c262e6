"""The same picture twice: gathered while an audit reads, compared at its end."""

from __future__ import annotations

from prsmed.data.audit_findings import Listed, Pair
from prsmed.data.duplicates import Pixels, fingerprint, near_pairs
from prsmed.data.record import Record, Split


class Twins:
    """Fingerprints of pictures and who they belong to.

    Attributes:
        leaks: Pairs in two splits.
        duplicates: Pairs in one split: equal pixels, or near-duplicates of different groups.
        alike_in_group: How many near-duplicates share split and group.
    """

    def __init__(self) -> None:
        self.leaks: Listed[Pair] = Listed()
        self.duplicates: Listed[Pair] = Listed()
        self.alike_in_group = 0
        self._known: set[tuple[str, str, str, Split]] = set()
        self._first: dict[bytes, dict[Split, Record]] = {}
        self._hashed: list[tuple[Record, bytes, bytes]] = []

    def add(self, record: Record, pixels: Pixels) -> None:
        """Take in a picture and compare it with its equals so far.

        Args:
            record: Several about one picture, group and split count once.
            pixels: All of the picture, whatever part of it the record shows.
        """
        key = (record.image, record.modality, record.group, record.split)
        if key in self._known:
            return
        self._known.add(key)
        found = fingerprint(pixels)
        firsts = self._first.setdefault(found.digest, {})
        for other in firsts.values():
            self._note(Pair(other, record, 0, is_exact=True))
        firsts.setdefault(record.split, record)
        if found.bits is not None:
            self._hashed.append((record, found.digest, found.bits))

    def compare(self) -> None:
        """Find the near-duplicates among all pictures taken in; examples are sorted, the surest first."""
        for tile in near_pairs([bits for _, _, bits in self._hashed]):
            for first, second, distance in zip(*(part.tolist() for part in tile), strict=True):
                (one, digest, _), (other, other_digest, _) = self._hashed[first], self._hashed[second]
                if digest != other_digest:
                    self._note(Pair(one, other, distance, is_exact=False))
        for found in (self.leaks, self.duplicates):
            found.shown.sort(key=lambda pair: (not pair.is_exact, pair.bits))

    def _note(self, pair: Pair) -> None:
        one, other = pair.first, pair.second
        if one.split != other.split:
            self.leaks.add(pair)
        elif not pair.is_exact and (one.modality, one.group) == (other.modality, other.group):
            self.alike_in_group += 1
        else:
            self.duplicates.add(pair)
