"""A process is killed at every place where it touches the disk: the registry is sound, and a model is live."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_versions import finished, learn, verdict

from prsmed.learning.registry import Registry
from prsmed.learning.version import VersionFacts
from prsmed.model.checkpoint import verify_checkpoint

STEPS = ("fsync", "replace", "rename", "unlink")


def run_and_kill(work: Callable[[], object], at: int) -> bool:
    """Do the work in a child that dies at its ``at``-th moment, just before or just after it touches the disk.

    Returns:
        Whether it died; ``False`` when it was done before.
    """
    child = os.fork()
    if child == 0:
        try:
            _die(at)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), "the work failed by itself"
    return status != 0


def _die(at: int) -> None:
    moments = iter(range(1, 10_000))

    def tick() -> None:
        if next(moments) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def dangerous(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **named: Any) -> Any:
            tick()
            done = step(*words, **named)
            tick()
            return done

        return call

    for name in STEPS:
        setattr(os, name, dangerous(getattr(os, name)))


def moments(work: Callable[[], object]) -> Iterator[int]:
    """Kill it at one moment after the other, until it is done unharmed."""
    for at in range(1, 1000):
        if not run_and_kill(work, at):
            assert at > 5, "the child was not where the disk is touched"
            return
        yield at


def check(registry: Registry) -> None:
    """Sound for a reader at once, and in order after the next change."""
    for settled in (False, True):
        if settled:
            registry.settle()
        live = registry.live()
        assert verify_checkpoint(live.path).sha256 == live.sha256
        assert live.status == "live"
        assert sum(version.status == "live" for version in registry.versions()) == 1
        log = registry.log()
        assert [event.number for event in log] == list(range(len(log), 0, -1))
        if log:
            assert log[0].live_after == live.name
        for version in registry.versions():
            assert version.is_pruned or verify_checkpoint(version.path).version == version.name
    folders = {path.name for path in (registry.folder / "versions").iterdir()}
    assert folders == {version.name for version in registry.versions()[:-1]}


def test_add(registry: Registry) -> None:
    checkpoint = finished(registry.base)

    def add() -> object:
        return Registry(registry.folder, registry.base).add(checkpoint, VersionFacts("tiny-1", corrections=3))

    for _ in moments(add):
        check(registry)
        there = registry.versions()[:-1]
        assert checkpoint.is_dir() != bool(there), "the checkpoint is in two places, or in none"
        if there:
            assert (there[0].name, there[0].status, there[0].corrections) == ("tiny-2", "candidate", 3)
            (registry.folder / "versions" / "tiny-2").rename(checkpoint)  # once more from the beginning
            for file in registry.folder.glob("*.json*"):
                file.unlink()
    check(registry)
    assert [event.what for event in registry.log()] == ["added"]


@pytest.mark.parametrize("gain", [0.1, -0.2])
def test_decide(registry: Registry, tmp_path: Path, gain: float) -> None:
    learn(registry)
    for _ in moments(lambda: learn(registry, gain)):
        check(registry)
        assert registry.live().name != "tiny-3" or gain > 0
    check(registry)
    newest = registry.versions()[0]
    assert newest.status == ("live" if gain > 0 else "rejected")


def test_promote_and_roll_back(registry: Registry) -> None:
    learn(registry)
    learn(registry)
    for change, before, after in (
        (lambda: registry.rollback("ann"), "tiny-3", "tiny-2"),
        (lambda: registry.promote("tiny-3", "ann"), "tiny-2", "tiny-3"),
    ):
        for _ in moments(change):
            check(registry)
            assert registry.live().name in (before, after)
            if registry.live().name == after:  # back, for the next moment
                registry.rollback("ann") if after == "tiny-3" else registry.promote("tiny-3", "ann")
        check(registry)
        assert registry.live().name == after


def test_prune(registry: Registry) -> None:
    learn(registry)
    for _ in range(3):
        learn(registry, -0.2)
    for _ in moments(lambda: registry.prune(1)):
        check_pruned(registry)
    check_pruned(registry)
    pruned = [version.name for version in registry.versions() if version.is_pruned]
    assert pruned == ["tiny-4", "tiny-3"]


def check_pruned(registry: Registry) -> None:
    assert registry.live().name == "tiny-2"
    verify_checkpoint(registry.live().path)
    assert not registry.get("tiny-5").is_pruned
    log = registry.log()
    assert [event.number for event in log] == list(range(len(log), 0, -1))


@pytest.mark.slow
def test_killed_at_any_time(registry: Registry) -> None:
    """Not at places we thought of: a child that adds, judges, promotes, rolls back and prunes for ever."""
    import random
    import time

    def work() -> None:
        for number in range(10_000):
            version = registry.add(finished(registry.base), VersionFacts(registry.live().name))
            registry.decide(version.name, verdict(0.1 if number % 2 else -0.2), "ann", registry.live().name)
            if number % 3 == 0 and registry.live().parent:
                registry.rollback("ann")
            registry.prune(2)

    rng = random.Random(0)
    for _ in range(20):
        child = os.fork()
        if child == 0:
            try:
                work()
            finally:
                os._exit(1)
        time.sleep(rng.uniform(0.02, 0.3))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        check(registry)
    assert len(registry.log()) > 20
