"""Versions of the tiny model for a server's registry, as a train task would add them."""

from __future__ import annotations

from pathlib import Path

from tiny_model import write_tiny_model

from prsmed.learning.gate import Score, compare
from prsmed.learning.registry import Registry
from prsmed.learning.version import VersionFacts


def learn(registry: Registry, work: Path, *, is_good: bool = True) -> str:
    """Add a version that the gate promotes or rejects; its name."""
    live = registry.live().name
    version = registry.add(write_tiny_model(work / registry.next_name()), VersionFacts(live, corrections=7))
    before = [Score(str(case), "lesions", str(case), dice=0.5) for case in range(20)]
    after = [Score(str(case), "lesions", str(case), dice=0.6 if is_good else 0.3) for case in range(20)]
    registry.decide(version.name, compare(after, before), "trainer", live)
    return version.name
