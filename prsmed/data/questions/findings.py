"""The regions of an image, measured in the patient's space."""

from __future__ import annotations

import numpy as np

from prsmed.data.questions.scene import Scene
from prsmed.position.findings import Finding
from prsmed.position.measure import Naming, measure


def findings_of(scene: Scene) -> tuple[Finding, ...]:
    """One a position, in the same order; ``()`` without a slice.

    Also ``()`` where the mask falls into other regions at its own resolution than in the model's square.
    """
    shown = scene.shown
    if shown.image_slice is None or shown.mask.shape != shown.image_slice.shape:
        return ()
    findings = measure(shown.mask, shown.mask.astype(np.float32), shown.image_slice, Naming(shown.record.target))
    same = [finding.zone for finding in findings] == [place.zone for place in scene.positions]
    return findings if same else ()
