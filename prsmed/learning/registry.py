"""The versions of a model: added, judged, promoted, rolled back and pruned, whole or not at all.

FOLDER/versions/NAME/  a checkpoint; of a pruned version only its manifest
and what :mod:`prsmed.learning.ledger` writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from prsmed.errors import PRSMedError
from prsmed.learning.audit import Event, What, now
from prsmed.learning.catalogue import FOLDER, Catalogue, preset_of
from prsmed.learning.intake import adopt, take_in
from prsmed.learning.ledger import Pointer
from prsmed.learning.version import Entry, Version, VersionFacts
from prsmed.learning.version import unknown_version as _unknown
from prsmed.model.manifest import MANIFEST, verify_checkpoint

if TYPE_CHECKING:  # judging takes torch, which who only lists versions need not wait for
    from prsmed.learning.gate import Verdict

KEEP = 5
_PATIENCE_SECONDS = 60


class Registry(Catalogue):
    """A catalogue that changes.

    Any number of processes may use one folder at once. A process that is killed leaves every version whole and one of
    them live; whoever changes something next finishes what it had begun.
    """

    def settle(self) -> None:
        """Finish what a process that was killed had begun."""
        with self._changing():
            pass

    def add(self, checkpoint: Path, facts: VersionFacts) -> Version:
        """Take a finished checkpoint in as a candidate.

        Args:
            checkpoint: Its folder, which is moved; its manifest gets the new name and the facts.
            facts: What is known of it.

        Raises:
            PRSMedError: ``bad_checkpoint`` when it is damaged; ``other_preset`` when it is of another preset than
                the base; ``unknown_version`` for a parent that is not here.
        """
        manifest = verify_checkpoint(checkpoint)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._changing():
            base, parent = self._base(), self.get(facts.parent)
            if preset_of(manifest) != preset_of(base):
                raise PRSMedError(
                    "other_preset",
                    f"a {preset_of(manifest)} model is no version of a {preset_of(base)} model; give it its own server",
                )
            name = self.next_name()
            entry = take_in(checkpoint, self._path(name), manifest, name, parent.sha256, facts)
            self._enter(name, entry)
        return self.get(name)

    def decide(self, name: str, verdict: Verdict, who: str, against: str) -> Version:
        """Promote or reject a candidate as the gate says.

        Args:
            name: The candidate.
            verdict: The gate's.
            who: Who asked for it.
            against: The version it was compared with; when another one went live meanwhile the candidate is kept,
                but not promoted.

        Raises:
            PRSMedError: ``unknown_version``; ``already_judged``; ``damaged_version``.
        """
        with self._changing():
            entry = self._entry(name)
            if entry.judgement != "candidate":
                raise PRSMedError("already_judged", f"{name} was judged before ({entry.judgement}); train another")
            what: What = "approved" if verdict.promoted else "rejected"
            before = verdict.metrics("live")
            judged = replace(
                entry,
                judgement="kept" if verdict.promoted else "rejected",
                reason=verdict.reason,
                metrics=verdict.metrics("candidate"),
                verdict={**verdict.to_json(), "against": against, "against_metrics": before},
            )
            compared = {"before": before, "after": judged.metrics}
            event = self._event(what, name, who, verdict.reason, metrics=compared, data=_data(entry))
            self._ledger.write_entries({**self._ledger.entries(), name: judged}, str(self.base), event)
            if verdict.promoted and self._live_name() == against:
                self._point_to(name, who, verdict.reason)
        return self.get(name)

    def promote(self, name: str, who: str, reason: str = "") -> Version:
        """Let a version answer that passed the gate, or the base.

        Raises:
            PRSMedError: ``unknown_version``; ``gate_rejected``; ``not_judged``; ``version_pruned``;
                ``damaged_version``. The live version stays.
        """
        with self._changing():
            version = self.get(name)
            if version.status == "rejected":
                raise PRSMedError("gate_rejected", f"{name} did not pass the gate ({version.reason}); train another")
            if version.status == "candidate":
                raise PRSMedError("not_judged", f"{name} was not judged by the gate yet; wait for it, or train another")
            if version.status != "live":
                self._point_to(name, who, reason)
        return self.get(name)

    def rollback(self, who: str, reason: str = "") -> Version:
        """Go back to what was live before the live version, passing over what was pruned or is damaged.

        Raises:
            PRSMedError: ``nothing_to_roll_back``. The live version stays.
        """
        with self._changing():
            pointer = self._ledger.pointer()
            for place in reversed(range(len(pointer.earlier))):
                earlier = pointer.earlier[place]
                name = earlier or self._base().version
                try:
                    self._check(self.get(name))
                except PRSMedError:
                    continue
                event = self._event("rolled back", self._live_name(), who, reason, live_after=name)
                self._ledger.write_pointer(Pointer(earlier, pointer.earlier[:place]), event)
                return self.live()
        raise PRSMedError("nothing_to_roll_back", f"nothing was live before {self._live_name()}; promote a version")

    def prune(self, keep: int = KEEP) -> list[str]:
        """Delete the weights of old versions; manifests and facts stay.

        Never deleted are those of the live version, of what it came from, and of what a rollback would go back to.

        Args:
            keep: Newest versions that keep theirs.

        Returns:
            Names of the pruned, oldest first.
        """
        with self._changing():
            versions = [version for version in self.versions()[:-1][::-1] if not version.is_pruned]
            needed = self._needed() | {version.name for version in versions[-keep:]}
            gone = [version for version in versions if version.name not in needed]
            for version in gone:
                event = self._event("pruned", version.name, "", f"older than the newest {keep}, and not needed")
                self._ledger.write_entries(self._ledger.entries(), str(self.base), event)
                # The weights first: without them a version counts as pruned.
                for file in sorted(version.path.iterdir()):
                    if file.name != MANIFEST:
                        file.unlink()
        return [version.name for version in gone]

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Alone, on a registry in order; without a folder there is only the base, and nothing to change."""
        if not self.folder.is_dir():
            yield
            return
        with _locked(self.folder):
            (self.folder / FOLDER).mkdir(exist_ok=True)
            self._ledger.settle()
            for name, entry in adopt(self.folder / FOLDER, self._ledger.entries()):
                self._enter(name, entry)
            yield

    def _enter(self, name: str, entry: Entry) -> None:
        facts = entry.facts
        event = self._event("added", name, facts.who, facts.reason, data=_data(entry))
        self._ledger.write_entries({**self._ledger.entries(), name: entry}, str(self.base), event)

    def _point_to(self, name: str, who: str, reason: str) -> None:
        self._check(self.get(name))
        pointer, target = self._ledger.pointer(), None if name == self._base().version else name
        event = self._event("promoted", name, who, reason, live_after=name, data=_data(self.entry(name)))
        self._ledger.write_pointer(Pointer(target, (*pointer.earlier, pointer.live)), event)

    def _check(self, version: Version) -> None:
        """Make sure that a version can be loaded: pruned or damaged ones are refused."""
        if version.is_pruned:
            raise PRSMedError("version_pruned", f"the weights of {version.name} were deleted to save space; train anew")
        try:
            sha256 = verify_checkpoint(version.path).sha256
        except PRSMedError as error:
            raise PRSMedError("damaged_version", f"{version.name} cannot go live: {error}") from error
        if sha256 != version.sha256:
            raise PRSMedError(
                "damaged_version", f"{version.name} cannot go live: its weights are not those that were added"
            )

    def _event(
        self, what: What, version: str, who: str, reason: str, *, live_after: str = "", **told: dict[str, Any]
    ) -> Event:
        before = self._live_name()
        number = 1 + max((event.number for event in self._ledger.events()), default=0)
        return Event(
            number, now(), what, version, who, reason, before, live_after or before, undo=_undo(what, version), **told
        )

    def _needed(self) -> set[str]:
        pointer, entries = self._ledger.pointer(), self._ledger.entries()
        needed = {name for name in (pointer.live, *pointer.earlier[-1:]) if name}
        ancestor = pointer.live
        while ancestor in entries:
            needed.add(ancestor)
            ancestor = entries[ancestor].facts.parent
        return needed

    def _entry(self, name: str) -> Entry:
        try:
            return self._ledger.entries()[name]
        except KeyError:
            raise _unknown(name) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / ".lock", timeout=_PATIENCE_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise PRSMedError("busy", "another process is changing the versions; try again") from None
    except OSError as error:
        raise PRSMedError(
            "read_only", f"the folder of versions cannot be written ({error.strerror}); run this as who owns it"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _data(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {}
    return {"sha256": entry.facts.data_sha256, "corrections": entry.facts.corrections, **entry.facts.data}


def _undo(what: What, version: str) -> str:
    return {
        "promoted": "prsmed models rollback",
        "rolled back": f"prsmed models promote {version}",
        "pruned": "train anew: the weights are gone, the facts are kept",
    }.get(what, "nothing to undo: the live version is as it was")
