"""A version of a model: what is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from prsmed.errors import PRSMedError
from prsmed.model.manifest import WEIGHTS

Status = Literal["live", "kept", "rejected", "candidate"]
Judgement = Literal["kept", "rejected", "candidate"]
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_SHOWN_NAME = 60


@dataclass(frozen=True)
class VersionFacts:
    """What whoever trained a version says of it.

    Attributes:
        parent: Name of the version it was trained from.
        data_sha256: Hash of what it was trained on.
        corrections: Number of corrected labels among that.
        data: More about the data: counts by kind, what was quarantined.
        reason: Why it was trained, in a sentence.
        who: Who asked for it; ``""`` where nobody has a name.
    """

    parent: str
    data_sha256: str = ""
    corrections: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    who: str = ""


@dataclass(frozen=True)
class Entry:
    """What the registry writes down of a version; the files of a pruned one are gone, this stays.

    Attributes:
        facts: As told when it was added.
        created: When it was added, ISO 8601 in UTC.
        sha256: Hash of its weights.
        judgement: What the gate made of it.
        reason: The gate's reason, or why it was trained as long as the gate has not spoken.
        metrics: What it reached on the gate's list, by name, e.g. ``{"dice/brain_mri": 0.71}``.
        verdict: The gate's whole verdict and ``against`` which version; ``{}`` before.
    """

    facts: VersionFacts
    created: str
    sha256: str
    judgement: Judgement = "candidate"
    reason: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    verdict: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Entry:
        """The entry that :func:`dataclasses.asdict` made ``values`` of."""
        return cls(**{**values, "facts": VersionFacts(**values["facts"])})


@dataclass(frozen=True)
class Version:
    """A version as it is now.

    Attributes:
        name: E.g. ``"nano-2"``; what answers call ``model.version``.
        path: Its checkpoint folder.
        status: ``"live"``, ``"kept"`` (was live, or good but not live), ``"rejected"`` or ``"candidate"``.
        sha256: Hash of its weights.
        parent: Name of the version it was trained from; ``None`` of the base.
        created: When it was added, ISO 8601 in UTC; ``None`` of the base.
        corrections: Number of corrected labels it was trained on.
        data_sha256: Hash of what it was trained on.
        metrics: As of :class:`Entry`.
        reason: Likewise.
    """

    name: str
    path: Path
    status: Status
    sha256: str
    parent: str | None = None
    created: str | None = None
    corrections: int = 0
    data_sha256: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    reason: str = ""

    @property
    def is_pruned(self) -> bool:
        """Whether its weights were deleted to save space."""
        return not (self.path / WEIGHTS).is_file()

    def to_json(self) -> dict[str, Any]:
        """For clients: without the path."""
        told = {key: value for key, value in asdict(self).items() if key not in ("name", "path")}
        return {"version": self.name, **told, "pruned": self.is_pruned}


def make_version(name: str, path: Path, entry: Entry, live: str) -> Version:
    """A version from what is written of it and the name of the live one."""
    return Version(
        name,
        path,
        "live" if name == live else entry.judgement,
        entry.sha256,
        entry.facts.parent,
        entry.created,
        entry.facts.corrections,
        entry.facts.data_sha256,
        entry.metrics,
        entry.reason,
    )


def next_name(preset: str, taken: Iterable[str]) -> str:
    """``PRESET-NUMBER`` with a number above all that were ever used."""
    found = [re.fullmatch(rf"{re.escape(preset)}-(\d+)", name) for name in taken]
    return f"{preset}-{1 + max((int(match[1]) for match in found if match), default=0)}"


def unknown_version(name: str) -> PRSMedError:
    """The mistake of naming a version that there is not."""
    return PRSMedError(
        "unknown_version", f"there is no version {name[:_SHOWN_NAME]!r}; `prsmed models list` shows all there are"
    )
