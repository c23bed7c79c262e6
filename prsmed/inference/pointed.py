"""Several masks of one answer, each with a name, become one label map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prsmed.imaging.plane import ImageSlice
from prsmed.position.findings import Finding
from prsmed.position.measure import Naming, measure
from prsmed.position.target import FALLBACK, target_in


@dataclass(frozen=True)
class Drawn:
    """What was drawn on a slice.

    Attributes:
        mask: ``(rows, cols)`` uint8 label map.
        probability: ``(rows, cols)`` float32, the surest label's.
        findings: Of every label, label by label.
        label_names: Name to value in ``mask``.
    """

    mask: NDArray[np.uint8]
    probability: NDArray[np.float32]
    findings: tuple[Finding, ...]
    label_names: dict[str, int]


def put_together(
    masks: Sequence[tuple[NDArray[np.uint8], NDArray[np.float32]]],
    names: Sequence[str],
    image_slice: ImageSlice,
    radius: float,
) -> Drawn:
    """Put masks of one slice together; where two overlap the surer one has the pixel.

    Args:
        masks: Of each target the mask ``(rows, cols)`` of 0 and 1, as displayed, and its probability.
        names: What each shows (:func:`name_targets`).
        image_slice: The slice they were drawn on.
        radius: Near-centre radius, as a share of the image width.
    """
    label_map = np.zeros(image_slice.shape, np.uint8)
    surest = np.zeros(image_slice.shape, np.float32)
    for label, (mask, probability) in enumerate(masks, start=1):
        taken = (mask > 0) & ((label_map == 0) | (probability > surest))
        label_map[taken] = label
        surest = np.maximum(surest, probability)
    findings: list[Finding] = []
    for label, ((_, probability), name) in enumerate(zip(masks, names, strict=True), start=1):
        own = (label_map == label).astype(np.uint8)
        findings += measure(own, probability, image_slice, Naming(name, label, radius=radius))
    return Drawn(label_map, surest, tuple(findings), {name: label for label, name in enumerate(names, start=1)})


def name_targets(pieces: Sequence[str], question: str) -> list[str]:
    """Names of the targets an answer points at, no two alike.

    Args:
        pieces: The texts before each ``[SEG]`` of the answer, and the rest.
        question: Names what its answer does not.
    """
    names: list[str] = []
    for piece in pieces[:-1]:
        name = target_in(piece)
        name = target_in(question) if name == FALLBACK else name
        count = sum(other.partition(" #")[0] == name for other in names)
        names.append(f"{name} #{count + 1}" if count else name)
    return names
