"""What there is: the versions in a folder, over their base; only read."""

from __future__ import annotations

import re
from pathlib import Path

from prsmed.errors import PRSMedError
from prsmed.learning.audit import Event
from prsmed.learning.ledger import Ledger
from prsmed.learning.version import NAME, Entry, Status, Version, make_version, next_name
from prsmed.learning.version import unknown_version as _unknown
from prsmed.model.manifest import Manifest, read_manifest

FOLDER = "versions"


class Catalogue:
    """The versions in a folder, over a base that is never copied nor deleted.

    Args:
        folder: Where they are; need not exist.
        base: The checkpoint that serves as long as no version is live: version one of the list.
    """

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder = folder
        self.base = base
        self._ledger = Ledger(folder)

    def versions(self) -> list[Version]:
        """All versions, newest first; the base is the last.

        Raises:
            PRSMedError: ``bad_registry``; ``base_conflict``.
        """
        live = self._live_name()
        entries = self._ledger.entries()
        found = [make_version(name, self._path(name), entry, live) for name, entry in entries.items()]
        base = self._base()
        if base.version in entries:
            raise PRSMedError(
                "base_conflict",
                f"the model given to the server is called {base.version}, and so is a version trained here; "
                "give the server the model it had, or another folder of versions",
            )
        status: Status = "live" if live == base.version else "kept"
        measured = [e.verdict["against_metrics"] for e in entries.values() if e.verdict.get("against") == base.version]
        metrics = measured[-1] if measured else {}
        return [*reversed(found), Version(base.version, self.base, status, base.sha256, metrics=metrics)]

    def get(self, name: str) -> Version:
        """One version.

        Raises:
            PRSMedError: ``unknown_version``.
        """
        for version in self.versions():
            if version.name == name:
                return version
        raise _unknown(name)

    def live(self) -> Version:
        """The version that answers.

        Raises:
            PRSMedError: ``bad_registry`` when the pointer names one that is not here.
        """
        name = self._live_name()
        try:
            return self.get(name)
        except PRSMedError as error:
            if error.code != "unknown_version":
                raise
            raise PRSMedError(
                "bad_registry", f"live.json names {name}, of which versions.json knows nothing; put back a copy of it"
            ) from error

    def earlier(self) -> list[Version]:
        """What was live before the live one, newest first, down to the base; without what was pruned."""
        names = reversed([name or self._base().version for name in self._ledger.pointer().earlier])
        known = {version.name: version for version in self.versions()}
        return [known[name] for name in names if name in known and not known[name].is_pruned]

    def stamp(self) -> object:
        """Changes whenever another version goes live; cheap to look at."""
        return self._ledger.stamp()

    def judged(self, name: str) -> frozenset[str]:
        """The cases that a version was judged on before it went live; none of the base."""
        entry = self._ledger.entries().get(name)
        return frozenset(entry.verdict.get("cases", ())) if entry else frozenset()

    def log(self) -> list[Event]:
        """Every change, newest first."""
        return self._ledger.events()[::-1]

    def entry(self, name: str) -> Entry | None:
        """All that is written of a version; ``None`` of the base.

        Raises:
            PRSMedError: ``unknown_version``.
        """
        self.get(name)
        return self._ledger.entries().get(name)

    def next_name(self) -> str:
        """The name that the next version will have; never one that was used before."""
        base = self._base()
        kept = self.folder / FOLDER
        folders = [path.name for path in kept.iterdir()] if kept.is_dir() else []
        return next_name(preset_of(base), [base.version, *folders, *self._ledger.entries()])

    def _base(self) -> Manifest:
        return read_manifest(self.base)

    def _live_name(self) -> str:
        return self._ledger.pointer().live or self._base().version

    def _path(self, name: str) -> Path:
        # Names come from our own files, but a path must not hang on that.
        if not re.fullmatch(NAME, name):
            raise PRSMedError("bad_registry", f"{name[:60]!r} cannot name a version; put back a copy of versions.json")
        return self.folder / FOLDER / name


def preset_of(manifest: Manifest) -> str:
    """Which preset a checkpoint is of."""
    return str(manifest.config.get("name", manifest.kind))
