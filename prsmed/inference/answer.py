"""What a question comes back with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prsmed.position.agreement import Agreement
from prsmed.position.findings import Finding


@dataclass(frozen=True)
class Presence:
    """How sure the model is that the asked-for target is in the image at all."""

    probability: float
    threshold: float

    @property
    def is_present(self) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability >= self.threshold


@dataclass(frozen=True)
class ModelVersion:
    """Which weights answered."""

    version: str
    sha256: str


@dataclass(frozen=True)
class Answer:
    """A mask and words, compared.

    Attributes:
        text: The model's answer.
        mask: uint8 label map, 0 outside: ``(rows, cols)`` of the displayed slice, or ``(I, J, K)`` of the volume.
        probability: float32 mask probabilities 0..1, same shape as ``mask``; next to 0 on slices of a volume where the
            target is judged absent, as nothing is drawn there.
        present: Presence of the target.
        findings: One per connected region, largest first; empty when nothing is there.
        agreement: Whether text and mask name the same place.
        label_names: Name to value in ``mask``.
        model: Version of the weights.
        latencies_ms: Milliseconds for ``image``, ``prefill``, ``mask`` and ``text``.
    """

    text: str
    mask: NDArray[np.uint8]
    probability: NDArray[np.float32]
    present: Presence
    findings: tuple[Finding, ...]
    agreement: Agreement
    label_names: dict[str, int]
    model: ModelVersion
    latencies_ms: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """The JSON of the Ask contract (docs/architecture.md), without arrays."""
        return {
            "answer": self.text,
            "present": asdict(self.present),
            "findings": [asdict(finding) for finding in self.findings],
            "agreement": asdict(self.agreement),
            "label_names": dict(self.label_names),
            "model": asdict(self.model),
            "latencies_ms": {name: round(value, 1) for name, value in self.latencies_ms.items()},
        }
