"""A correction: a label that a person has drawn, corrected or approved, and the question that it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Correction:
    """One label of one image.

    Attributes:
        image: The image's id, to name it in a report.
        group: What it must not be parted from: the patient's or study's name where known, else the id.
        source: The image: a file, or the folder of a DICOM series.
        label: The label map on the image's grid.
        names: Value to name of what it shows; ``{}`` when nobody said.
        question: What was asked; ``None`` when it was drawn by hand.
        view: What was looked at, as an answer tells it: ``mode``, ``plane``, ``slice`` or ``slice_range``, ``window``;
            ``{}`` when unknown.
    """

    image: str
    group: str
    source: Path
    label: Path
    names: Mapping[int, str] = field(default_factory=dict)
    question: str | None = None
    view: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """16 hex digits that stand for the image, the same in every run; tells nothing of its id."""
        return hashlib.sha256(self.image.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "source": str(self.source), "label": str(self.label)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Correction:
        """Rebuild from :meth:`to_json`, also after it went through JSON."""
        names = {int(value): str(name) for value, name in values["names"].items()}
        return cls(**{**values, "source": Path(values["source"]), "label": Path(values["label"]), "names": names})
