"""A question to every slice of a volume: batched, without words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.imaging.plane import ImageSlice, Plane, extract, native_plane, place, slice_count
from prsmed.imaging.volume import Volume
from prsmed.imaging.window import Window
from prsmed.inference.side_by_side import side_by_side, workers_on
from prsmed.inference.stopwatch import Stopwatch
from prsmed.inference.view import slice_masks, view
from prsmed.model.language import TokenBatch
from prsmed.model.prsmed import PRSMed
from prsmed.position.zones import regions

BATCH = 8
"""Slices that are worked on at once, by all workers together."""


@dataclass(frozen=True)
class SliceRange:
    """Slices ``first`` to ``last``, both included, of a plane."""

    plane: Plane
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class VolumeMask:
    """``mask`` uint8, ``probability`` float32, both ``(I, J, K)``; highest presence; the slice to speak about."""

    mask: NDArray[np.uint8]
    probability: NDArray[np.float32]
    presence: float
    main_slice: int


def choose_slices(volume: Volume, plane: Plane | None, slice_range: tuple[int, int] | None) -> SliceRange:
    """The slices to ask about: the plane of acquisition and all of it, unless told otherwise.

    Raises:
        PRSMedError: ``unknown_plane``, ``plane_not_available`` or ``slice_out_of_range``.
    """
    plane = native_plane(volume) if plane is None else plane
    count = slice_count(volume, plane)
    first, last = (0, count - 1) if slice_range is None else slice_range
    if not 0 <= first <= last < count:
        raise PRSMedError(
            "slice_out_of_range",
            f"slices {first}..{last} are not within 0..{count - 1} of the {plane} plane; "
            "give the first and the last, in this order",
        )
    return SliceRange(plane, first, last)


def segment_volume(
    model: PRSMed,
    volume: Volume,
    questions: TokenBatch,
    slices: SliceRange,
    window: Window | str | None,
    watch: Stopwatch,
) -> Iterator[tuple[int, int] | VolumeMask]:
    """Ask one question, ``questions`` ``(1, T)``, of every slice; keep the regions that are not specks in 3-D.

    Yields slices done and slices in all after every batch, and in the end the mask.
    """
    mask = np.zeros(volume.shape, np.uint8)
    probability = np.zeros(volume.shape, np.float32)
    presences: list[float] = []
    workers = workers_on(model.device)
    batches = batches_of(slices, workers)

    def draw(indices: range) -> _Drawn:
        return _draw(model, [extract(volume, slices.plane, index) for index in indices], questions, window)

    for drawn in side_by_side(draw, batches, min(workers, len(batches))):
        watch.add(drawn.watch, 1 / workers)
        for image_slice, (slice_mask, slice_probability) in zip(drawn.slices, drawn.masks, strict=True):
            place(slice_mask, image_slice, mask)
            place(slice_probability, image_slice, probability)
        presences += drawn.presences
        yield len(presences), len(slices)
    mask = main_regions(mask)
    normal = extract(volume, slices.plane, slices.first).axes[2]
    areas = mask.sum(axis=tuple(axis for axis in range(3) if axis != normal))
    main = int(areas.argmax()) if areas.any() else slices.first + int(np.argmax(presences))
    yield VolumeMask(mask, probability, max(presences), main)


def batches_of(slices: SliceRange, workers: int) -> list[range]:
    """Batches of the same size but for one slice, as many for each worker, so that none waits for another at the end.

    All workers together have at most :data:`BATCH` slices at hand, or one each.
    """
    size = max(BATCH // workers, 1) * workers
    count = min(math.ceil(len(slices) / size) * workers, len(slices))
    edges = [slices.first + len(slices) * number // count for number in range(count + 1)]
    return [range(first, following) for first, following in pairwise(edges)]


@dataclass(frozen=True)
class _Drawn:
    """One batch: of each slice mask and probability ``(rows, cols)``, and its presence."""

    slices: list[ImageSlice]
    masks: list[tuple[NDArray[np.uint8], NDArray[np.float32]]]
    presences: list[float]
    watch: Stopwatch


@torch.inference_mode()
def _draw(model: PRSMed, slices: list[ImageSlice], questions: TokenBatch, window: Window | str | None) -> _Drawn:
    config, watch = model.config, Stopwatch()
    with watch.time("image"):
        pixels = view(slices, window, config, model.device)
        features = model.encode(pixels)
    with watch.time("prefill"):
        seen, prompt = model.read_with_image(pixels, features, questions.expand(len(slices)))
    with watch.time("mask"):
        segmented = model.draw_present(seen, prompt, config.image_size)
        masks = slice_masks(segmented, model.mask_of(segmented), slices, config)
    return _Drawn(slices, masks, segmented.presence_logits.sigmoid().tolist(), watch)


def main_regions(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without the specks that are small beside the largest region in three dimensions."""
    kept = np.zeros_like(mask)
    for region in regions(mask):
        kept[region] = 1
    return kept
