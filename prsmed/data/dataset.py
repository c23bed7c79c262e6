"""Samples for training: image, mask of what is asked for, question and answer, all from one seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import psutil
from numpy.typing import NDArray

from prsmed.data.augment import crop_empty, flip, recolor, zoom
from prsmed.data.converse import RADIUS, converse
from prsmed.data.images import fit_square, read_image
from prsmed.data.record import Record
from prsmed.data.schema import Turn
from prsmed.imaging.square import BLACK, Color

_PHANTOM_SHARE = 0.08
_READERS, _READ_AHEAD = 8, 256
_CROP_SHARE = 0.25  # of the absent turns: the lesion is cut out of the picture, when there is room, not misnamed


@dataclass(frozen=True)
class Sample:
    """One training example.

    Attributes:
        pixels: ``(size, size, 3)`` uint8 image in the model's square.
        mask: ``(size, size)`` uint8, 1 where the image's own target is; all 0 when there is none.
        turn: Question and answer about that target, present or not.
        absent: A second question about the same image, for something that is surely not in it.
        record: Where the image came from.
        is_replay: Whether it is shown again, to a model that is to learn something else.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    turn: Turn
    absent: Turn | None
    record: Record
    is_replay: bool = False


class Samples(Protocol):
    """What a training goes through."""

    @property
    def records(self) -> Sequence[Record]:
        """What the samples are of."""

    def set_size(self, size: int) -> None:
        """Deliver samples of another side from now on."""

    def preload(self) -> None:
        """Read now what other processes would all read for themselves."""

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Indices for :meth:`sample`, one pass."""

    def sample(self, index: int, epoch: int) -> Sample:
        """Make one sample, the same for the same index and epoch."""


class ConversationDataset:
    """Images that are asked about.

    Every sample depends on ``(seed, epoch, index)`` alone, so a resumed run sees what it would have seen.

    Args:
        records: What to sample from.
        root: Folder the records' paths are relative to.
        size: Side of the model's square in pixels.
        seed: Another seed draws other questions and variations.
        augment: Whether images are varied.
        absent_share: Share of questions about something that is not in the image; truly empty images come on top.
        radius: Near-centre radius as a share of the width.
        pad_color: What is around an image that is not square.
        cache_images: Keep decoded images in memory (0.1 to 0.3 MB each).
    """

    def __init__(
        self,
        records: Sequence[Record],
        root: Path,
        size: int,
        *,
        seed: int = 0,
        augment: bool = False,
        absent_share: float = 0.3,
        radius: float = RADIUS,
        pad_color: Color = BLACK,
        cache_images: bool = True,
    ) -> None:
        self.records = tuple(records)
        self.root = root
        self.size = size
        self.seed = seed
        self.augment = augment
        self.absent_share = absent_share
        self.radius = radius
        self.pad_color = pad_color
        self._cache: dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]] | None = {} if cache_images else None
        self._is_full = False

    def __len__(self) -> int:
        return len(self.records)

    def set_size(self, size: int) -> None:
        """Deliver samples of another side from now on, e.g. 256 px after a start at 128 px."""
        self.size = size

    def order(self, epoch: int) -> NDArray[np.int64]:
        """One pass over the records, see :func:`balanced_order`."""
        return balanced_order(self.records, epoch, self.seed)

    def sample(self, index: int, epoch: int) -> Sample:
        """Make one sample.

        Args:
            index: Which record; ``index + n * len(self)`` is the same record with other random choices, as
                :func:`balanced_order` uses for records seen several times an epoch.
            epoch: Which pass.
        """
        record = self.records[index % len(self.records)]
        image, mask = self._read(index % len(self.records))
        rng = np.random.default_rng([self.seed, epoch, index])
        wants_absent = bool(rng.random() < self.absent_share / (1 - (1 - _CROP_SHARE) * self.absent_share))
        is_emptied = False
        if self.augment:
            cropped = crop_empty(image, mask, record, rng) if wants_absent and rng.random() < _CROP_SHARE else None
            is_emptied = cropped is not None
            image, mask = flip(*(cropped or zoom(image, mask, record, rng)), record, rng)
        pixels, mask, fit = fit_square(image, mask, self.size, pad_color=self.pad_color)
        turn = converse(mask, record, rng, absent_share=0.0, radius=self.radius)
        asks_more = wants_absent and turn.present and not is_emptied
        absent = converse(mask, record, rng, absent_share=1.0, radius=self.radius) if asks_more else None
        if self.augment:
            content = np.s_[fit.top : fit.top + fit.height, fit.left : fit.left + fit.width]
            pixels[content] = recolor(pixels[content], rng)
        return Sample(pixels, mask, turn, absent, record)

    def preload(self) -> None:
        """Read the images now, before other processes make samples: they share what is read once.

        As far as half of the free memory goes; what is left over is then read anew each time.
        """
        if self._cache is None or self._is_full:
            return
        room = psutil.virtual_memory().available // 2
        missing = [index for index in range(len(self.records)) if index not in self._cache]
        with ThreadPoolExecutor(_READERS) as readers:
            for first in range(0, len(missing), _READ_AHEAD):
                chunk = missing[first : first + _READ_AHEAD]
                for index, pair in zip(chunk, readers.map(self._read_anew, chunk), strict=True):
                    self._cache[index] = pair
                    room -= sum(array.nbytes for array in pair)
                if room < 0:
                    break
        self._is_full = True

    def _read(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        if self._cache is not None and index in self._cache:
            return self._cache[index]
        pair = self._read_anew(index)
        if self._cache is not None and not self._is_full:
            self._cache[index] = pair
        return pair

    def _read_anew(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        return read_image(self.records[index], self.root)


def balanced_order(records: Sequence[Record], epoch: int, seed: int) -> NDArray[np.int64]:
    """Order of one epoch: about as many samples as there are real images, modalities balanced.

    A modality's share grows with the square root of its size; phantoms, when there are any, are 8 % of the
    samples. Within a modality every record is used once before any is used again.

    Args:
        records: The dataset's records.
        epoch: Which pass; another pass has another order.
        seed: Another seed gives other orders.

    Returns:
        Indices for :meth:`ConversationDataset.sample`; those from ``len(records)`` on are repeats.
    """
    pools: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        pools["phantom" if record.is_phantom else record.modality].append(index)
    rng = np.random.default_rng([seed, epoch])
    parts = [_draws(pools[name], count, len(records), rng) for name, count in _counts(pools).items()]
    order = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    rng.shuffle(order)
    return order


def _counts(pools: dict[str, list[int]]) -> dict[str, int]:
    """Samples a pool gives to an epoch."""
    real = {name: len(pool) for name, pool in pools.items() if name != "phantom"}
    if not real:
        return {name: len(pool) for name, pool in pools.items()}
    total = sum(real.values())
    phantoms = round(_PHANTOM_SHARE * total) if "phantom" in pools else 0
    weights = np.sqrt(list(real.values()))
    shares = np.round(weights / weights.sum() * (total - phantoms)).astype(int)
    counts = dict(zip(real, shares.tolist(), strict=True))
    return counts | ({"phantom": phantoms} if phantoms else {})


def _draws(pool: list[int], count: int, stride: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """``count`` indices out of a pool, each repeat of a record moved on by ``stride``."""
    rounds = -(-count // len(pool))
    draws = [rng.permutation(np.array(pool, dtype=np.int64)) + turn * stride for turn in range(rounds)]
    return np.concatenate(draws)[:count] if draws else np.zeros(0, dtype=np.int64)
