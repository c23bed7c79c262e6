"""Imported weights of others, by name, on this machine.

A part is a folder under :func:`parts_home` with ``part.json`` beside its files. Checkpoints name the part they stand
on, with its hash; they never hold a path.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from prsmed.errors import PRSMedError

PART = "part.json"
HOME_VARIABLE = "PRSMED_PARTS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Part:
    """What an imported part says of itself.

    Attributes:
        name: Its folder's name.
        kind: ``"language"`` (a transformers folder) or ``"encoder"`` (``encoder.safetensors``, and
            ``sam.safetensors`` with what else the file held, under its own names).
        source: Which importer made it, e.g. ``"llava-med"``.
        sha256: Hash over the files it was imported from.
        licence: Of the weights.
        facts: What else the importer wants to be known: choices made, files read.
    """

    name: str
    kind: Literal["language", "encoder"]
    source: str
    sha256: str
    licence: str
    facts: dict[str, Any] = field(default_factory=dict)


def parts_home() -> Path:
    """Where parts lie: ``$PRSMED_PARTS``, else ``prsmed/parts`` in the user's data folder."""
    if os.environ.get(HOME_VARIABLE):
        return Path(os.environ[HOME_VARIABLE])
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "prsmed" / "parts"


def has_part(name: str) -> bool:
    """Whether the part is on this machine."""
    return bool(_NAME.fullmatch(name)) and (parts_home() / name / PART).is_file()


def find_part(name: str, kind: Literal["language", "encoder"]) -> tuple[Path, Part]:
    """The folder of a part and what it says of itself.

    Raises:
        PRSMedError: ``bad_part`` for a name that is none, a damaged ``part.json`` or a part of another kind;
            ``part_not_found`` when it is not on this machine.
    """
    _check_name(name)
    folder = parts_home() / name
    if not (folder / PART).is_file():
        raise PRSMedError(
            "part_not_found",
            f"the {kind} {name!r} is not among the imported parts; import it (`prsmed info` names the command), "
            f"or set {HOME_VARIABLE} to the folder of your parts",
        )
    try:
        part = Part(**json.loads((folder / PART).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise PRSMedError("bad_part", f"{name}/{PART} cannot be read: {error}; import it again") from error
    if part.kind != kind:
        raise PRSMedError("bad_part", f"{name!r} is a part of kind {part.kind}, not {kind}; name another")
    return folder, part


@contextmanager
def new_part(name: str) -> Iterator[Path]:
    """A folder to write a part into; it takes its name when all went well, and is gone when not.

    The one that had the name before is replaced. End by :func:`write_part`.

    Raises:
        PRSMedError: ``bad_part`` for a name that is none.
    """
    _check_name(name)
    home = parts_home()
    fresh, old = home / f".{name}.new", home / f".{name}.old"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        shutil.rmtree(old, ignore_errors=True)
        if (home / name).exists():
            (home / name).rename(old)
        fresh.rename(home / name)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write_part(folder: Path, part: Part) -> None:
    """Say what ``folder`` is."""
    (folder / PART).write_text(json.dumps(asdict(part), indent=2) + "\n")


def hash_files(paths: list[Path]) -> str:
    """One hash over the contents of files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                digest.update(chunk)
    return digest.hexdigest()


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise PRSMedError("bad_part", f"{name!r} cannot name a part; use letters, digits, dots, dashes, underscores")
