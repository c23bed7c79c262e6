"""How a training from corrections is going: one small file, written whole, that others read."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from prsmed.files import write_whole

State = Literal["idle", "waiting", "reading", "training", "validating", "done", "failed", "stopped"]
RUNNING: tuple[State, ...] = ("waiting", "reading", "training", "validating")
_EVERY_SECONDS = 0.5
_MOST_POINTS = 200


@dataclass
class Stats:
    """Where the last training stands.

    Attributes:
        status: ``"idle"`` before the first.
        step: Optimiser steps done of ``steps``.
        seconds_left: Of the step it is at; ``None`` when it cannot be told.
        curve: Of every so many steps: ``step``, ``loss`` and, where it was measured, ``dice``, else ``None``.
        corrections: Labelled images that are used, those held out for the gate included.
        quarantined: ``image`` and ``reason`` of each that cannot be used.
        version: Name of the candidate, once there is one.
        outcome: ``promoted`` and the gate's ``reason``; ``None`` before.
        error: Why it failed.
    """

    status: State = "idle"
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    curve: list[dict[str, Any]] = field(default_factory=list)
    corrections: int = 0
    quarantined: list[dict[str, str]] = field(default_factory=list)
    version: str | None = None
    outcome: dict[str, Any] | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Reporter:
    """Keeps the file of a run's :class:`Stats`; changes are written at once, steps twice a second at most."""

    def __init__(self, path: Path, stats: Stats | None = None) -> None:
        self.path, self.stats = path, stats or Stats()
        self._began, self._wrote = time.monotonic(), -_EVERY_SECONDS

    def tell(self, **changes: Any) -> None:
        """Change fields and write."""
        for name, value in changes.items():
            setattr(self.stats, name, value)
        if "status" in changes:
            self._began, self.stats.seconds_left = time.monotonic(), None
        write_whole(json.dumps(self.stats.to_json()).encode(), self.path)
        self._wrote = time.monotonic()

    def tell_step(self, step: int, steps: int, loss: float | None = None, dice: float | None = None) -> None:
        """A step was done; with ``loss`` it makes a point of the curve now and then, and at the end."""
        stats = self.stats
        stats.step, stats.steps = step, steps
        if loss is not None and (dice is not None or step == steps or step % -(-steps // _MOST_POINTS) == 0):
            stats.curve.append({"step": step, "loss": round(loss, 4), "dice": dice})
        self.tell_left(step, steps)

    def tell_left(self, done: int, total: int) -> None:
        """So much of what it is at is done."""
        now = time.monotonic()
        self.stats.seconds_left = round((now - self._began) / done * (total - done), 1) if done else None
        if now - self._wrote >= _EVERY_SECONDS or done == total:
            self.tell()


def read_stats(path: Path) -> Stats:
    """The stats in a file; idle ones when there is none, or none that can be read."""
    try:
        return Stats(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return Stats()
