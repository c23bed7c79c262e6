"""A correction becomes pictures: the slices that show its targets, and some that surely do not."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prsmed.data import Record, read_image
from prsmed.errors import PRSMedError
from prsmed.imaging import (
    PLANES,
    Plane,
    Volume,
    Window,
    check_label_grid,
    extract,
    label_values,
    native_plane,
    read_volume,
    slice_count,
    take,
    to_display,
)
from prsmed.learning.correction import Correction
from prsmed.position.target import FALLBACK, target_in

MOST_POSITIVE, MOST_NEGATIVE = 12, 8
"""Slices of one volume that are taken for a target, with it and without."""
DATASET, LICENCE = "corrections", "unknown (the owner's own images)"
# A hand-drawn label that goes through so many slices is meant to be whole; of one with fewer the other slices may
# show what nobody has marked yet.
_DRAWN_THROUGH = 3
_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)
_PLACES = re.compile(r"\b(top|bottom|upper|lower|middle|cent(er|re|ral)|corner|quadrant|edge)\b", re.IGNORECASE)
_MOST_NAME, _MOST_QUESTION, _LONGEST_SIDE = 60, 300, 1024


@dataclass(frozen=True)
class Lesson:
    """One picture to learn from.

    Attributes:
        record: The picture with its mask; without one, nothing of the target is there.
        question: As the user asked it; ``None`` where a template asks.
        can_mirror: Whether left and right may be exchanged: not where the words name a side, nor on sagittal slices.
        can_move: Whether it may be cut and turned: not where the words name a place in the picture or a side, but in a
            name ("left kidney").
    """

    record: Record
    question: str | None = None
    can_mirror: bool = True
    can_move: bool = True


@dataclass(frozen=True)
class _Look:
    """How an image is cut into slices.

    Attributes:
        plane: Of the slices.
        window: As it was looked at.
        whole: Slices whose marks are known to be all there is to mark; ``None`` when nobody said.
        margin: How far from a marked slice one without a mark must be to count as without the target.
    """

    plane: Plane
    window: Window | str | None
    whole: range | None
    margin: int = 2


def draw_lessons(correction: Correction, folder: Path) -> list[Lesson]:
    """Write the pictures of a correction, windowed as they were looked at and with square pixels.

    Args:
        correction: Image, label and what was asked.
        folder: Where the pictures and their masks go; equal corrections give equal names in every run.

    Returns:
        For each target up to 12 slices that show it, spread evenly, and up to 8 that do not. Those only where the label
        is known to be whole: the slice or slices that were asked about, an image of one slice, or where a person has
        drawn through at least three slices. A label that marks nothing says so of what was asked about.

    Raises:
        PRSMedError: ``read_volume``'s, ``bad_label_grid``, ``bad_label_values``, ``bad_label_names``, ``empty_label``,
            ``bad_window``, ``mask_is_image``.
    """
    image, label = read_volume(correction.source), read_volume(correction.label)
    check_label_grid(label, image)
    names = _names(correction, label_values(label.voxels))
    look = _look(correction.view, image)
    lessons = []
    for value, name in sorted(names.items()):
        question = correction.question if _is_about(correction.question, name, len(names)) else None
        can_mirror, can_move = _freedom(name, question or "", look.plane)
        for index, mask in _slices(label.voxels == value, image, look):
            record = _write(correction, image, look, index, mask, name, value, folder)
            read_image(record, folder)
            lessons.append(Lesson(record, question, can_mirror, can_move))
    if not lessons:
        raise PRSMedError("empty_label", "the label marks nothing, and no slice was asked about; mark what is there")
    return lessons


def _names(correction: Correction, values: set[int]) -> dict[int, str]:
    """Names of the values there are, of all where there are none; without names, what the question asks for."""
    if not correction.names:
        asked = target_in(correction.question) if correction.question else FALLBACK
        return dict.fromkeys(values or {1}, asked)
    unnamed = sorted(values - correction.names.keys())
    if unnamed:
        raise PRSMedError("bad_label_names", f"the label holds the value {unnamed[0]}, which has no name; name it")
    names = {value: " ".join(correction.names[value].split()) for value in values or correction.names}
    for name in names.values():
        if not 0 < len(name) <= _MOST_NAME:
            raise PRSMedError("bad_label_names", f"a name has {len(name)} characters; give 1 to {_MOST_NAME}")
    return names


def _is_about(question: str | None, name: str, count: int) -> bool:
    if question is None or not 0 < len(question.strip()) <= _MOST_QUESTION:
        return False
    return count == 1 or name.lower() in question.lower()


def _freedom(name: str, question: str, plane: Plane) -> tuple[bool, bool]:
    """Whether a picture may be mirrored, and whether cut and turned, so that the words stay true."""
    beside_name = question.lower().replace(name.lower(), "")
    can_mirror = plane != "sagittal" and not _SIDES.search(f"{name} {question}")
    return can_mirror, not (_SIDES.search(beside_name) or _PLACES.search(f"{name} {question}"))


def _look(view: Mapping[str, Any], image: Volume) -> _Look:
    """What a client says was looked at, as far as it fits the image."""
    plane = view.get("plane")
    if plane not in PLANES or not image.has_patient_space or min(image.shape) == 1:
        plane = native_plane(image)
    named = view.get("window")
    window = named if isinstance(named, str) else _two_numbers(named)
    if view.get("mode") == "slice" and (only := _two_numbers([view.get("slice")] * 2)):
        return _Look(plane, window, range(int(only[0]), int(only[0]) + 1), margin=1)
    if view.get("mode") == "volume" and (ends := _two_numbers(view.get("slice_range"))):
        return _Look(plane, window, range(int(ends[0]), int(ends[1]) + 1))
    return _Look(plane, window, range(1) if slice_count(image, plane) == 1 else None)


def _two_numbers(pair: object) -> tuple[float, float] | None:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return None
    are_finite = all(isinstance(number, int | float) and math.isfinite(number) for number in pair)
    return (float(pair[0]), float(pair[1])) if are_finite else None


def _slices(marked: NDArray[np.bool_], image: Volume, look: _Look) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    normal = extract(image, look.plane, 0).axes[2]
    shows = np.flatnonzero(marked.any(axis=tuple(axis for axis in range(3) if axis != normal)))
    every = range(marked.shape[normal])
    whole = look.whole if look.whole is not None else every if len(shows) >= _DRAWN_THROUGH else ()
    empty = [n for n in whole if n in every and (not len(shows) or np.abs(shows - n).min() >= look.margin)]
    for index in (*_spread(shows, MOST_POSITIVE), *_spread(empty, MOST_NEGATIVE)):
        yield index, take(marked, extract(image, look.plane, index))


def _spread(indices: Sequence[int] | NDArray[np.intp], most: int) -> list[int]:
    """At most so many of them, evenly, each from the middle of its part."""
    count = min(len(indices), most)
    return [int(indices[int((n + 0.5) * len(indices) / count)]) for n in range(count)]


def _write(
    correction: Correction,
    image: Volume,
    look: _Look,
    index: int,
    mask: NDArray[np.bool_],
    name: str,
    value: int,
    folder: Path,
) -> Record:
    image_slice = extract(image, look.plane, index)
    size = _square_pixels(image_slice.shape, image_slice.spacing)
    shown = Image.fromarray(to_display(image_slice, look.window)).resize(size, Image.Resampling.BILINEAR)
    marked = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    stem = f"{correction.key}-{look.plane}-{index:04}-{value}"
    shown.save(folder / f"{stem}.png")
    # A mask of another form is another case: the gate must know what it has not judged by yet.
    mask_name = f"{stem}-{hashlib.sha256(marked.tobytes()).hexdigest()[:16]}.png"
    if mask.any():
        marked.save(folder / mask_name)
    return Record(
        image=f"{stem}.png",
        mask=mask_name if mask.any() else None,
        modality=f"corrected {name}",
        dataset=DATASET,
        target=name,
        group=correction.group,
        split="train",
        licence=LICENCE,
    )


def _square_pixels(shape: tuple[int, int], spacing: tuple[float, float]) -> tuple[int, int]:
    """``(width, height)`` at the finer spacing both ways, or at 1024 pixels for the longer side where that is less."""
    height, width = shape[0] * spacing[0], shape[1] * spacing[1]
    step = max(min(spacing), max(height, width) / _LONGEST_SIDE)
    return max(1, round(width / step)), max(1, round(height / step))
