"""The audit log: one line of JSON a change, only ever added to (docs/versions.md)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from prsmed.files import append_line

What = Literal["added", "approved", "rejected", "promoted", "rolled back", "pruned"]


@dataclass(frozen=True)
class Event:
    """One change, in the order in which a plan for changes is asked about.

    Attributes:
        number: From 1 on, without gaps.
        when: ISO 8601 in UTC.
        what: What was done.
        version: With which version.
        who: By whom; ``""`` where nobody has a name.
        reason: Why, in a sentence.
        live_before: Which version was live before.
        live_after: Which version is live after.
        data: What the version was trained on: ``sha256``, ``corrections`` and what else was told.
        metrics: ``before`` of the version it was compared with, ``after`` of itself, on the same list.
        undo: How to undo it.
    """

    number: int
    when: str
    what: What
    version: str
    who: str
    reason: str
    live_before: str
    live_after: str
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    undo: str = ""


class AuditLog:
    """The events in a file.

    Args:
        file: Made when there is something to write.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def append(self, event: Event) -> None:
        """Add an event; it is on the disk when this returns."""
        append_line(json.dumps(asdict(event)), self._file)

    def events(self) -> list[Event]:
        """All events, oldest first; what a kill left half-written is passed over."""
        lines = self._file.read_bytes().split(b"\n") if self._file.is_file() else []
        return [event for line in lines if (event := _parse(line)) is not None]


def now() -> str:
    """This moment, ISO 8601 in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _parse(line: bytes) -> Event | None:
    try:
        return Event(**json.loads(line))
    except (ValueError, TypeError):
        return None
