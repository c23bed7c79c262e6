"""What stands beside a list of conversations: counts, licences, problems and hashes, gathered while it is written."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prsmed.data.problems import Problems
from prsmed.data.record import SPLITS, Record, Split
from prsmed.data.schema import KINDS, Conversation, Kind

Counts = dict[str, dict[Split, dict[Kind, int]]]
"""Conversations by set, split and kind; what is not there has no entry."""


class Tally:
    """Counters of one build.

    Attributes:
        images: Images that at least one conversation is about.
        conversations: Conversations of ``(set, split, kind)``.
    """

    def __init__(self) -> None:
        self.images = 0
        self.conversations: Counter[tuple[str, Split, Kind]] = Counter()
        self._records: Counter[str] = Counter()
        self._hashes: dict[str, Any] = {}
        self._licences: dict[str, set[str]] = {}

    def watch(self, records: Iterable[Record]) -> Iterator[Record]:
        """Hand records on, counted and hashed by set: the hash changes with a set's list of files, splits, groups."""
        for record in records:
            self.see(record)
            yield record

    def see(self, record: Record) -> None:
        """Count and hash one record."""
        self._records[record.dataset] += 1
        line = json.dumps(asdict(record), ensure_ascii=False) + "\n"
        self._hashes.setdefault(record.dataset, hashlib.sha256()).update(line.encode())

    def add(self, conversations: tuple[Conversation, ...]) -> tuple[Conversation, ...]:
        """Count the conversations about one image, and hand them on."""
        for conversation in conversations:
            self.count(conversation)
        self.images += bool(conversations)
        return conversations

    def count(self, conversation: Conversation) -> None:
        """Count one conversation, and not its image."""
        record = conversation.record
        self.conversations[record.dataset, record.split, conversation.kind] += 1
        self._licences.setdefault(record.dataset, set()).add(record.licence)

    def counts(self) -> Counts:
        """Sets by name; splits and kinds in their own order."""
        counts: Counts = {}
        order = {name: place for place, name in enumerate((*SPLITS, *KINDS))}
        keys = sorted(self.conversations, key=lambda key: (key[0], order[key[1]], order[key[2]]))
        for dataset, split, kind in keys:
            counts.setdefault(dataset, {}).setdefault(split, {})[kind] = self.conversations[dataset, split, kind]
        return counts

    def describe(self) -> dict[str, Any]:
        """The manifest's part about images and conversations."""
        return {
            "images": self.images,
            "conversations": sum(self.conversations.values()),
            "counts": self.counts(),
            "licences": {name: sorted(licences) for name, licences in sorted(self._licences.items())},
            "sources": {
                name: {"records": count, "sha256": self._hashes[name].hexdigest()}
                for name, count in sorted(self._records.items())
            },
        }


def describe_problems(problems: Problems) -> dict[str, dict[str, Any]]:
    """Count and paths of each kind of problem."""
    return {kind: {"count": len(paths), "paths": paths} for kind, paths in sorted(problems.found.items())}


def sha256_of(path: Path) -> str:
    """Hash of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 16):
            digest.update(block)
    return digest.hexdigest()
