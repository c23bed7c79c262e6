"""How a checkpoint becomes a version's folder: one rename, with all facts in its manifest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from prsmed.errors import PRSMedError
from prsmed.files import sync, write_whole
from prsmed.learning.audit import now
from prsmed.learning.version import Entry, VersionFacts
from prsmed.model.manifest import MANIFEST, Manifest, read_manifest

_ARRIVING = ".arriving"
_FACTS = "version"


def take_in(
    checkpoint: Path, target: Path, manifest: Manifest, name: str, parent_sha256: str, facts: VersionFacts
) -> Entry:
    """Write name and facts into a checkpoint's manifest and move its folder to ``target``.

    Whenever the process is killed, the checkpoint is where it was or at ``target``, whole; from there
    :func:`adopt` can tell what it is.
    """
    entry = Entry(facts, now(), manifest.sha256, reason=facts.reason)
    told = {**manifest.training, _FACTS: {**asdict(facts), "parent_sha256": parent_sha256, "created": entry.created}}
    renamed = replace(manifest, version=name, training=told)
    write_whole((json.dumps(asdict(renamed), indent=2) + "\n").encode(), checkpoint / MANIFEST)
    if checkpoint.stat().st_dev == target.parent.stat().st_dev:
        sync(checkpoint)
        checkpoint.rename(target)
    else:
        arriving = target.with_name(_ARRIVING)
        shutil.rmtree(arriving, ignore_errors=True)
        shutil.copytree(checkpoint, arriving)
        sync(arriving)
        arriving.rename(target)
        shutil.rmtree(checkpoint)
    sync(target.parent)
    return entry


def adopt(folder: Path, known: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """Versions that are there and not written down yet, because the process that moved them was killed."""
    shutil.rmtree(folder / _ARRIVING, ignore_errors=True)
    for path in sorted(folder.iterdir()):
        if path.name in known or not (path / MANIFEST).is_file():
            continue
        try:
            manifest = read_manifest(path)
            told = dict(manifest.training[_FACTS])
            created, _ = told.pop("created"), told.pop("parent_sha256")
            facts = VersionFacts(**told)
        except (PRSMedError, KeyError, TypeError, ValueError):
            continue  # not ours: its name is not used again, and it is left alone
        yield path.name, Entry(facts, created, manifest.sha256, reason=facts.reason)
