"""Checkpoints and verdicts for a registry, made on the spot."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from prsmed.learning.gate import Score, Verdict, compare
from prsmed.learning.registry import Registry
from prsmed.learning.version import Version, VersionFacts


def scores(*, gain: float = 0.0, n: int = 42, modality: str = "brain_mri", noise: float = 0.0) -> list[Score]:
    """Dice of ``n`` present targets, two a patient."""
    dice = [0.6 + 0.01 * (i % 7) + gain + noise * (i // 2 % 3 - 1) for i in range(n)]
    return [Score(f"{modality}-{i}", modality, f"{modality}/{i // 2}", dice=dice[i]) for i in range(n)]


def verdict(gain: float) -> Verdict:
    return compare(scores(gain=gain), scores())


def finished(checkpoint: Path) -> Path:
    """A training run's checkpoint beside the one it is a copy of."""
    return Path(shutil.copytree(checkpoint, checkpoint.parent / f"run{uuid.uuid4()}"))


def learn(registry: Registry, gain: float | None = 0.1, corrections: int = 12) -> Version:
    """Add a version and let the gate speak, unless ``gain`` is ``None``."""
    parent = registry.live().name
    facts = VersionFacts(parent, "d" * 64, corrections, {"quarantined": 1}, "corrections of the day", "ann")
    version = registry.add(finished(registry.base), facts)
    if gain is None:
        return version
    return registry.decide(version.name, verdict(gain), "ann", against=parent)
