"""Patients, videos and sequences in two splits: gathered while an audit reads."""

from __future__ import annotations

from collections import Counter, defaultdict

from prsmed.data.audit_findings import Listed, SharedGroup
from prsmed.data.record import Record, Split

_Key = tuple[str, str]


class Groups:
    """In which splits each group lies: within its modality, and within its set whatever the modality."""

    def __init__(self) -> None:
        self._by_modality: dict[_Key, Counter[Split]] = defaultdict(Counter)
        self._by_set: dict[_Key, Counter[Split]] = defaultdict(Counter)
        self._firsts: dict[tuple[str, str, Split], Record] = {}

    def add(self, record: Record) -> None:
        """Count one record."""
        for groups, within in ((self._by_modality, record.modality), (self._by_set, record.dataset)):
            groups[within, record.group][record.split] += 1
            self._firsts.setdefault((within, record.group, record.split), record)

    def shared(self) -> Listed[SharedGroup]:
        """Those in several splits, by name; a set's own only where no modality of it tells so already."""
        found: Listed[SharedGroup] = Listed()
        told = {key for key, counts in self._by_modality.items() if len(counts) > 1}
        for key in sorted(told):
            found.add(self._describe(key, self._by_modality[key]))
        for key, counts in sorted(self._by_set.items()):
            if len(counts) > 1:
                group = self._describe(key, counts)
                if told.isdisjoint((first.modality, first.group) for first in group.firsts):
                    found.add(group)
        return found

    def _describe(self, key: _Key, counts: Counter[Split]) -> SharedGroup:
        return SharedGroup(*key, dict(counts), tuple(self._firsts[(*key, split)] for split in counts))
