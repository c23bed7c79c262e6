"""How unsure is the model of a whole image: a few slices, spread over it, stand for a volume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prsmed.imaging.plane import ImageSlice, extract, native_plane, slice_count
from prsmed.imaging.volume import Volume
from prsmed.inference.engine import Engine
from prsmed.inference.uncertainty import Uncertainty, measure
from prsmed.inference.view import view

MOST_SLICES = 8
"""Of a volume; its cost is bounded, and a lesion between them is missed."""


def spread_slices(volume: Volume) -> list[ImageSlice]:
    """At most :data:`MOST_SLICES` slices of the plane of acquisition, as far apart as they can be."""
    plane = native_plane(volume)
    count = slice_count(volume, plane)
    chosen = min(count, MOST_SLICES)
    return [extract(volume, plane, int((number + 0.5) * count / chosen)) for number in range(chosen)]


def doubts_about(engine: Engine, image_slice: ImageSlice, question: str) -> Uncertainty:
    """The doubts about one slice, shown as it is by default.

    Raises:
        PRSMedError: ``question_too_long``, or a damaged checkpoint.
    """
    model = engine.model
    pixels = view([image_slice], None, model.config, model.device)
    return measure(model, pixels, [question])[0]


def merge(parts: Sequence[Uncertainty]) -> Uncertainty:
    """The doubts about a volume from those about its slices.

    A slice counts as much as the target is likely to be in it. Presence is that of the likeliest slice, as the volume's
    own (:meth:`~prsmed.inference.Engine.ask_volume`); the zones are those of the slice that disagrees most.

    Args:
        parts: At least one.
    """
    weights = np.array([part.probability for part in parts]) + 1e-6
    weights /= weights.sum()
    scores = {name: float(weights @ np.array([part.scores[name] for part in parts])) for name in parts[0].scores}
    likeliest = max(parts, key=lambda part: part.probability)
    loudest = parts[
        int(np.argmax([w * p.scores.get("disagreement", 0.0) for w, p in zip(weights, parts, strict=True)]))
    ]
    if "presence" in scores:
        scores["presence"] = likeliest.scores["presence"]
    features = np.mean([part.features for part in parts], axis=0)
    length = float(np.linalg.norm(features))
    return Uncertainty(
        scores,
        likeliest.probability,
        loudest.text_zone,
        loudest.mask_zone,
        (features / length if length else features).astype(np.float32),
    )
