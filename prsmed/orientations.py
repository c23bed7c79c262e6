"""Orientations: a volume stored in another order of its axes is the same patient, so answers must not change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import inv_ornt_aff
from numpy.typing import NDArray

from prsmed.errors import PRSMedError
from prsmed.evaluation.metrics import dice
from prsmed.evaluation.progress import Progress
from prsmed.imaging import (
    ImageSlice,
    Plane,
    Volume,
    extract,
    make_phantom,
    native_plane,
    place,
    read_volume,
    slice_count,
    slice_voxel,
)
from prsmed.inference import Answer, Engine

_SEARCHED = 15
_SHOWN = 3
_Orientation = NDArray[np.float64]
ORIENTATIONS: tuple[_Orientation, ...] = tuple(
    np.array(list(zip(axes, flips, strict=True)), dtype=np.float64)
    for axes in permutations(range(3))
    for flips in product((1, -1), repeat=3)
)
"""All 48, as ``nibabel.apply_orientation`` takes them; the first leaves a volume as it is."""


@dataclass(frozen=True)
class Study:
    """A volume and what is asked about it.

    Raises:
        PRSMedError: ``no_patient_space`` for an image whose axes are only a convention.
    """

    name: str
    volume: Volume
    question: str

    def __post_init__(self) -> None:
        if not self.volume.has_patient_space:
            raise PRSMedError(
                "no_patient_space",
                f"{self.name} carries no patient space, so it has no orientation; name a DICOM, NIfTI or NRRD volume",
            )


@dataclass(frozen=True)
class Invariance:
    """How alike the answers about one volume are in :data:`ORIENTATIONS`.

    Attributes:
        name: Of the volume.
        plane: Plane of the slices: the native one as stored.
        slices: Slices asked about in every orientation.
        masked: How many of them show a mask as stored.
        dice: Lowest Dice of all their masks together with those as stored; ``None`` when no orientation shows any.
        distance_mm: Largest distance of a finding's centroid from where it is as stored; ``None`` without findings.
        same_sides: Share of slices with findings whose findings are as many and on the same sides of the patient;
            ``None`` when there are none, or none with a side.
        same_plane: Share of orientations with the same native plane. Volumes with no longest spacing have it from
            the order of their axes, so less than 1 is no error there.
    """

    name: str
    plane: Plane
    slices: int
    masked: int
    dice: float | None
    distance_mm: float | None
    same_sides: float | None
    same_plane: float


def studies(files: Sequence[Path], question: str) -> Iterator[Study]:
    """Two phantoms, each with its own question, then files with the one given.

    Raises:
        PRSMedError: ``no_patient_space``; what :func:`prsmed.imaging.read_volume` raises.
    """
    yield Study("phantom CT", make_phantom("ct", np.random.default_rng(0))[0], "Where is the lung nodule?")
    yield Study("phantom MR", make_phantom("mr", np.random.default_rng(0))[0], "Where is the brain tumour?")
    for file in files:
        yield Study(file.name, read_volume(file), question)


def turn(volume: Volume, orientation: _Orientation) -> Volume:
    """The same patient, stored in another order of axes; nothing is resampled."""
    voxels = np.ascontiguousarray(nib.apply_orientation(volume.voxels, orientation))
    return replace(volume, voxels=voxels, affine=volume.affine @ inv_ornt_aff(orientation, volume.shape))


def check_orientations(engine: Engine, study: Study, progress: Progress) -> Invariance:
    """Ask about the same slices of a volume in every orientation.

    The slices are those with the largest masks among some evenly spread ones, or the middle ones.

    Args:
        engine: The model.
        study: The volume and the question.
        progress: Called after every orientation.

    Raises:
        PRSMedError: As :meth:`~prsmed.inference.Engine.ask`.
    """
    volume = study.volume
    plane = native_plane(volume)
    middles = [_middle(volume, one) for one in _choose(engine, volume, plane, study.question)]
    found = []
    for orientation in ORIENTATIONS:
        found.append(_ask(engine, turn(volume, orientation), plane, middles, study.question))
        progress(len(found), len(ORIENTATIONS))
    stored = found[0]
    distances = [
        float(np.linalg.norm(np.subtract(one, other)))
        for answers in found
        for one, other in zip(answers.centroids, stored.centroids, strict=False)
    ]
    overlaps = [overlap for answers in found if (overlap := _dice(answers.mask, stored.mask)) is not None]
    return Invariance(
        name=study.name,
        plane=plane,
        slices=len(middles),
        masked=sum(bool(sides) for sides in stored.sides),
        dice=min(overlaps, default=None),
        distance_mm=max(distances, default=None),
        same_sides=_same_sides(stored.sides, [answers.sides for answers in found]),
        same_plane=float(np.mean([native_plane(turn(volume, orientation)) == plane for orientation in ORIENTATIONS])),
    )


_Sides = list[tuple[str | None, ...]]


@dataclass(frozen=True)
class _Answers:
    """Answers about the slices of one orientation: masks on the grid nearest to RAS, and what was measured."""

    mask: NDArray[np.bool_]
    centroids: list[tuple[float, float, float]]
    sides: _Sides


def _choose(engine: Engine, volume: Volume, plane: Plane, question: str) -> list[ImageSlice]:
    count = slice_count(volume, plane)
    spread = sorted({int((number + 0.5) * count / _SEARCHED) for number in range(_SEARCHED)})
    slices = [extract(volume, plane, index) for index in spread]
    areas = [int((engine.ask(one, question).mask > 0).sum()) for one in slices]
    order = sorted(range(len(slices)), key=lambda at: (-areas[at], abs(slices[at].index - count // 2)))
    return [slices[at] for at in order[:_SHOWN]]


def _middle(volume: Volume, image_slice: ImageSlice) -> NDArray[np.float64]:
    """RAS millimetres of a slice's middle, ``(4,)``."""
    rows, cols = image_slice.shape
    middle: NDArray[np.float64] = volume.affine @ (*slice_voxel(image_slice, (rows - 1) / 2, (cols - 1) / 2), 1)
    return middle


def _ask(
    engine: Engine, volume: Volume, plane: Plane, middles: Sequence[NDArray[np.float64]], question: str
) -> _Answers:
    normal = extract(volume, plane, 0).axes[2]
    to_voxel = np.linalg.inv(volume.affine)
    mask = np.zeros(volume.shape, np.uint8)
    answers: list[Answer] = []
    for middle in middles:
        image_slice = extract(volume, plane, round(float((to_voxel @ middle)[normal])))
        answers.append(engine.ask(image_slice, question))
        place(answers[-1].mask, image_slice, mask)
    findings = [answer.findings for answer in answers]
    return _Answers(
        mask=nib.apply_orientation(mask, nib.io_orientation(volume.affine)) > 0,
        centroids=[one.centroid_ras_mm for own in findings for one in own if one.centroid_ras_mm is not None],
        sides=[tuple(one.patient_side for one in own) for own in findings],
    )


def _dice(mask: NDArray[np.bool_], stored: NDArray[np.bool_]) -> float | None:
    if not stored.any():
        return 0.0 if mask.any() else None
    return dice(mask, stored)


def _same_sides(stored: _Sides, found: Sequence[_Sides]) -> float | None:
    if not any(side for sides in stored for side in sides):
        return None
    same = [one == other for sides in found for one, other in zip(sides, stored, strict=True) if one or other]
    return float(np.mean(same))
