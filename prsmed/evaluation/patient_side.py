"""The patient's side of a target: asked for by itself, and known only on slices of volumes with patient space."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prsmed.data import fit_square, look
from prsmed.evaluation.outcome import Answered, Outcome, judge
from prsmed.evaluation.position_fields import joined
from prsmed.imaging.plane import ImageSlice
from prsmed.imaging.square import SquareFit, from_square
from prsmed.position.measure import Naming, measure
from prsmed.position.parser import parse


def judge_side(answered: Answered, root: Path) -> Outcome:
    """Judge the answer to a question for the patient's side.

    The true side is what the true answer says; those of the masks are measured from the centroids of their regions,
    brought back to the slice. All stay ``None`` for a picture, whose left and right are nobody's.

    Args:
        answered: The answer.
        root: Folder the image's path is relative to.

    Raises:
        PRSMedError: What :func:`~prsmed.data.look` raises.
    """
    outcome = judge(answered)
    shown = look(answered.conversation.record, root)
    image_slice = shown.image_slice
    if image_slice is None or not image_slice.has_patient_space:
        return outcome
    _, _, fit = fit_square(shown.pixels, shown.mask, len(answered.true_mask), image_slice.spacing)
    return replace(
        outcome,
        true_side=joined(parse(answered.conversation.turn.answer).side),
        mask_side=_side(answered.prediction.mask, fit, image_slice),
        true_mask_side=_side(answered.true_mask, fit, image_slice),
    )


def _side(square: NDArray[np.bool_], fit: SquareFit, image_slice: ImageSlice) -> str | None:
    """The sides of all regions of a mask ``(S, S)``; ``None`` where it is empty or on the midline."""
    probability = from_square(square.astype(np.float32), fit)
    mask: NDArray[Any] = probability >= 0.5
    sides = [finding.patient_side for finding in measure(mask, probability, image_slice, Naming("target"))]
    return joined([side for side in sides if side is not None])
