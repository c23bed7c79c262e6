"""Records of a volume's slices: those that show a target, and a few that do not."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prsmed.data.problems import Problems
from prsmed.data.record import Record
from prsmed.data.volumes import check_grid, open_volume
from prsmed.errors import PRSMedError
from prsmed.imaging.plane import extract, native_plane

_EMPTY = 2
"""Slices without the target that are taken from a volume as well."""
_PROBLEMS = {
    "other_grid": "sizes differ",
    "missing_image": "mask without image",
    "missing_mask": "image without mask",
}

Targets = Mapping[str, tuple[int, ...]]
"""What a label map shows: names and the values that count as them."""


def slice_records(volume: Record, targets: Targets, root: Path, problems: Problems) -> Iterator[Record]:
    """One record for every slice of the acquired plane that shows a target, and for a few that do not, by index.

    The slices without it are drawn by the volume's group, so that they are the same every time.

    Args:
        volume: Image and label map, and what else is known; its target, labels, plane and slice are filled in here.
        targets: What to look for in the label map.
        root: Data folder.
        problems: Where a volume that cannot be read, lies on another grid or is empty is noted.
    """
    assert volume.mask is not None
    try:
        image = open_volume(root, volume.image, "image")
        labels = open_volume(root, volume.mask, "mask")
        check_grid(image, labels, volume.mask)
    except PRSMedError as error:
        problems.add(_PROBLEMS.get(error.code, "unreadable"), volume.image, str(error))
        return
    plane = native_plane(image)
    normal = extract(image, plane, 0).axes[2]
    in_slice = tuple(axis for axis in range(3) if axis != normal)
    records = []
    for target, values in targets.items():
        shows = np.isin(labels.voxels, values).any(axis=in_slice)
        if not shows.any():
            problems.add("empty mask", volume.mask, f"it holds none of the values {values} of '{target}'")
            continue
        seen = replace(volume, target=target, labels=values, plane=plane)
        records += [replace(seen, slice=int(index)) for index in np.flatnonzero(shows)]
        records += [replace(seen, slice=index, mask=None, labels=()) for index in _some(~shows, volume.group)]
    yield from sorted(records, key=lambda record: record.slice or 0)


def _some(candidates: NDArray[np.bool_], seed: str) -> list[int]:
    indices = np.flatnonzero(candidates)
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    return [int(index) for index in np.sort(rng.permutation(indices)[:_EMPTY])]
