"""Who trains and who is tested: as the sets' owners say, or so that nothing seen in training is asked again."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from prsmed.data.duplicates import fingerprint, near_pairs
from prsmed.data.images import read_image
from prsmed.data.record import SPLITS, Record, Split
from prsmed.errors import PRSMedError

Mode = Literal["official", "group"]
SHARES = (0.7, 0.1, 0.2)
"""Of the images that go to train, val and test."""
Group = tuple[str, str]
"""Modality and :attr:`Record.group`."""


def resplit(
    records: Iterable[Record],
    root: Path,
    mode: Mode,
    seed: int,
    shares: tuple[float, float, float] = SHARES,
    progress: Callable[[int, int], None] | None = None,
) -> list[Record]:
    """Give every record its split.

    The published splits leak: patients with neighbouring slices on both sides, the same photograph twice (research
    brief of PRS-Med, 3.5). ``"group"`` keeps clusters whole. A cluster is what is linked by an equal group, within a
    modality or, as the CT and MR of one patient, within a set, or by near-duplicate pictures
    (:mod:`prsmed.data.duplicates`); slices of a volume share their group and are not hashed.
    Clusters are laid in the order of a seeded hash of their names, and each modality's row is cut where the shares are
    reached, so that new images move the cuts a little and leave the others where they were.

    Args:
        records: In any order, which changes nothing.
        root: Folder their paths are relative to.
        mode: ``"official"`` leaves them as they are, ``"group"`` splits them anew.
        seed: Another seed, another order.
        shares: Of train, val and test among a modality's images. They are missed by at most half the cluster at each
            cut: with few large clusters a small share can stay empty.
        progress: Told ``(done, total)`` pictures read.

    Returns:
        The records in the same order. A picture that cannot be read is split by its group alone.

    Raises:
        PRSMedError: ``unknown_mode``, or ``bad_shares`` when they are negative or do not add up to 1.
    """
    if mode not in ("official", "group"):
        raise PRSMedError("unknown_mode", f"split mode {mode!r} is unknown; choose official or group")
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise PRSMedError("bad_shares", f"shares {shares} must be 0 or more and add up to 1; e.g. {SHARES}")
    records = list(records)
    if mode == "official":
        return records
    groups = list(dict.fromkeys(map(_group, records)))
    clusters = _clusters(groups, _same_patient(records) | _same_picture(records, root, progress))
    assigned = _assign(clusters, _count(records), seed, shares)
    return [replace(record, split=assigned[_group(record)]) for record in records]


def _group(record: Record) -> Group:
    return record.modality, record.group


def _count(records: Iterable[Record]) -> dict[Group, int]:
    counts: dict[Group, int] = defaultdict(int)
    for record in records:
        counts[_group(record)] += 1
    return counts


def _same_patient(records: Iterable[Record]) -> set[tuple[Group, Group]]:
    """Groups of one name in one set, whatever their modality."""
    first: dict[tuple[str, str], Group] = {}
    return {(first.setdefault((record.dataset, record.group), _group(record)), _group(record)) for record in records}


def _same_picture(
    records: Sequence[Record], root: Path, progress: Callable[[int, int], None] | None
) -> set[tuple[Group, Group]]:
    """Groups that share a picture, or nearly so."""
    pictures = dict.fromkeys((r.image, _group(r)) for r in records if r.slice is None and not r.is_phantom)
    links: set[tuple[Group, Group]] = set()
    same: dict[bytes, Group] = {}
    hashes: list[bytes] = []
    owners: list[Group] = []
    by_image = {record.image: record for record in records}
    for done, (image, group) in enumerate(pictures, start=1):
        try:
            # The whole picture alone: crops of one picture are the same picture, and its mask is not looked at.
            whole = replace(by_image[image], mask=None, crop=None, labels=())
            found = fingerprint(read_image(whole, root)[0])
        except PRSMedError:
            continue
        finally:
            if progress is not None:
                progress(done, len(pictures))
        links.add((same.setdefault(found.digest, group), group))
        if found.bits is not None:
            hashes.append(found.bits)
            owners.append(group)
    for first, second, _ in near_pairs(hashes):
        links.update((owners[i], owners[j]) for i, j in zip(first.tolist(), second.tolist(), strict=True))
    return links


def _clusters(groups: Sequence[Group], links: Iterable[tuple[Group, Group]]) -> list[list[Group]]:
    index = {group: number for number, group in enumerate(groups)}
    ends = np.array([(index[a], index[b]) for a, b in links], dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), dtype=bool), (ends[:, 0], ends[:, 1])), shape=(len(groups),) * 2)
    clusters: dict[int, list[Group]] = defaultdict(list)
    for group, label in zip(groups, connected_components(graph, directed=False)[1].tolist(), strict=True):
        clusters[label].append(group)
    return list(clusters.values())


def _assign(
    clusters: Iterable[list[Group]], images: dict[Group, int], seed: int, shares: Sequence[float]
) -> dict[Group, Split]:
    rows: dict[str, list[tuple[str, list[Group]]]] = defaultdict(list)
    for cluster in clusters:
        # Named by its first group in hash order, so that a cluster keeps its place when others join it.
        key, (modality, _) = min((_key(group, seed), group) for group in cluster)
        rows[modality].append((key, cluster))
    cuts = np.cumsum(shares)[:-1]
    assigned: dict[Group, Split] = {}
    for row in rows.values():
        row.sort()
        sizes = np.array([sum(images[group] for group in cluster) for _, cluster in row])
        middles = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
        for (_, cluster), number in zip(row, np.searchsorted(cuts, middles, side="right"), strict=True):
            assigned |= dict.fromkeys(cluster, SPLITS[number])
    return assigned


def _key(group: Group, seed: int) -> str:
    return hashlib.sha256("\0".join((str(seed), *group)).encode()).hexdigest()
