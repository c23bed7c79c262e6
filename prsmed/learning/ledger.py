"""What the registry writes: the facts of every version, which one is live, and the audit log.

FOLDER/versions.json   facts and verdict of every version
FOLDER/live.json       which is live, and which were before: the pointer
FOLDER/audit.jsonl     every change

A change is made when one of the first two files is replaced; that file carries the change's event too, so that a kill
before the event is in the log loses nothing: :meth:`Ledger.settle` adds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from prsmed.errors import PRSMedError
from prsmed.files import write_whole
from prsmed.learning.audit import AuditLog, Event
from prsmed.learning.version import Entry

VERSIONS, LIVE, AUDIT = "versions.json", "live.json", "audit.jsonl"
_FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True)
class Pointer:
    """Which version is live.

    Attributes:
        live: Its name; ``None`` means the base.
        earlier: What was live before, oldest first; what a rollback goes back to.
    """

    live: str | None = None
    earlier: tuple[str | None, ...] = ()


class Ledger:
    """The three files of a registry. Writers hold its lock; readers need none.

    Args:
        folder: Where they are; need not exist before the first change.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._audit = AuditLog(folder / AUDIT)

    def entries(self) -> dict[str, Entry]:
        """What is known of each version, oldest first.

        Raises:
            PRSMedError: ``bad_registry``.
        """
        return self._read(VERSIONS, _entries_of, {})

    def pointer(self) -> Pointer:
        """Which version is live.

        Raises:
            PRSMedError: ``bad_registry``.
        """
        return self._read(LIVE, lambda found: Pointer(found["live"], tuple(found["earlier"])), Pointer())

    def base(self) -> str | None:
        """The checkpoint that the registry was last changed with as its base; ``None`` before the first change."""
        return self._read(VERSIONS, _base_of, None)

    def stamp(self) -> tuple[int, int] | None:
        """Changes whenever another version goes live."""
        try:
            stat = (self.folder / LIVE).stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino

    def events(self) -> list[Event]:
        """The audit log, oldest first, with what a kill has kept out of it so far."""
        logged = self._audit.events()
        return [*logged, *self._unlogged(logged)]

    def write_entries(self, entries: Mapping[str, Entry], base: str, event: Event) -> None:
        """Replace the facts, and log why."""
        versions = {name: asdict(entry) for name, entry in entries.items()}
        self._commit(VERSIONS, {"base": base, "versions": versions}, event)

    def write_pointer(self, pointer: Pointer, event: Event) -> None:
        """Move the pointer, and log why."""
        self._commit(LIVE, asdict(pointer), event)

    def settle(self) -> None:
        """Finish what a process that was killed had begun."""
        for event in self._unlogged(self._audit.events()):
            self._audit.append(event)

    def _commit(self, name: str, content: dict[str, Any], event: Event) -> None:
        written = json.dumps({"format": _FORMAT, **content, "event": asdict(event)}, indent=1)
        write_whole(f"{written}\n".encode(), self.folder / name)
        self._audit.append(event)

    def _unlogged(self, logged: list[Event]) -> list[Event]:
        last = max((event.number for event in logged), default=0)
        newest = [self._read(name, _event_of, None) for name in (VERSIONS, LIVE)]
        return sorted((event for event in newest if event and event.number > last), key=lambda event: event.number)

    def _read(self, name: str, parse: Callable[[dict[str, Any]], T], default: T) -> T:
        file = self.folder / name
        try:
            found = json.loads(file.read_bytes())
            if found["format"] != _FORMAT:
                raise ValueError(f"format {found['format']!r}, this version reads {_FORMAT}")
            return parse(found)
        except FileNotFoundError:
            return default
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PRSMedError(
                "bad_registry", f"{name} of the versions cannot be read ({error}); put back a copy of it"
            ) from error


def _entries_of(found: dict[str, Any]) -> dict[str, Entry]:
    return {name: Entry.from_json(values) for name, values in found["versions"].items()}


def _base_of(found: dict[str, Any]) -> str | None:
    return str(found["base"])


def _event_of(found: dict[str, Any]) -> Event | None:
    return Event(**found["event"])
