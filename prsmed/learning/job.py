"""What a training process is told to do: one file of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prsmed.files import write_whole
from prsmed.learning.adapt import AdaptConfig
from prsmed.learning.correction import Correction

Quarantined = dict[str, str]
"""``image`` and ``reason``."""


@dataclass(frozen=True)
class Job:
    """A training from corrections.

    Attributes:
        corrections: All of the datastore's.
        versions: Folder of the registry.
        base: Its base checkpoint.
        config: How to train.
        who: Who asked for it.
        replay: Folder with ``pairs/index.csv``, for replay and for the gate; ``None`` when there is none.
        margin: The gate's.
        keep: How many versions keep their weights.
        device: Torch device.
        waits: Whether to begin only once the device has the memory free that it takes.
        quarantined: What the datastore itself could not give.
    """

    corrections: tuple[Correction, ...]
    versions: Path
    base: Path
    config: AdaptConfig
    who: str = ""
    replay: Path | None = None
    margin: float = 0.02
    keep: int = 5
    device: str = "cpu"
    waits: bool = False
    quarantined: tuple[Quarantined, ...] = field(default_factory=tuple)

    def write(self, path: Path) -> None:
        """Write it for :meth:`read`."""
        values = {**asdict(self), "corrections": [correction.to_json() for correction in self.corrections]}
        write_whole(json.dumps(values, default=str).encode(), path)

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read what :meth:`write` wrote."""
        values: Mapping[str, Any] = json.loads(path.read_text())
        changed = {
            "corrections": tuple(Correction.from_json(correction) for correction in values["corrections"]),
            "quarantined": tuple(values["quarantined"]),
            "config": AdaptConfig(**values["config"]),
            **{name: Path(values[name]) for name in ("versions", "base")},
            "replay": values["replay"] and Path(values["replay"]),
        }
        return cls(**{**values, **changed})
