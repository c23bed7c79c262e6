"""What a source is: one published image set, known by the layout its owners give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prsmed.data.problems import Problems
from prsmed.data.record import Record


@dataclass(frozen=True)
class Source:
    """One published set.

    Attributes:
        name: Short name, also :attr:`Record.dataset`, e.g. ``"kvasir_seg"``.
        title: What people call it.
        modality: Of its images, e.g. ``"polyp_endoscopy"``; ``"various"`` for sources that say it themselves.
        target: What its masks show, e.g. ``"polyp"``; ``"lungs"`` is anatomy, no tumour.
        licence: Of images and masks.
        obtain: How to get it, one line.
        groups: Its group rule in words: what may never lie in two splits.
        splits: Its official split in words, ``"none"`` when there is none.
        is_here: Whether a folder holds the set in its published layout; looks at names only.
        read: Records of a folder that :attr:`is_here`, in a fixed order (sorted by name), paths relative to the *data
            folder* ``root``: ``read(root, folder, problems)``. What cannot be used goes to ``problems``, not into an
            exception.
    """

    name: str
    title: str
    modality: str
    target: str
    licence: str
    obtain: str
    groups: str
    splits: str
    is_here: Callable[[Path], bool]
    read: Callable[[Path, Path, Problems], Iterator[Record]]
