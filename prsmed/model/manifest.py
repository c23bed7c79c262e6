"""What a checkpoint says of itself, and whether its files are the ones it speaks of; read without building anything."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prsmed.errors import PRSMedError
from prsmed.model.parts import hash_files

FORMAT = 1
WEIGHTS, MANIFEST, TOKENIZER = "model.safetensors", "manifest.json", "tokenizer.json"
SHIPPED = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint says of itself.

    Attributes:
        kind: ``"prsmed"`` or ``"unet"``.
        version: Name of this version of the weights, e.g. ``"nano-1"``.
        sha256: Hash of the weights file.
        config: The model's configuration.
        training: Facts of the training run: data, steps, seed, metrics.
        tokenizer_sha256: Hash of the tokenizer's file, ``""`` for models without one of their own.
        base: Name, hash and licence of the imported language model it stands on, empty for models without.
        calibration: What its presence temperature and threshold were fitted on, and to what effect; empty when not.
    """

    kind: str
    version: str
    sha256: str
    config: dict[str, Any]
    training: dict[str, Any] = field(default_factory=dict)
    tokenizer_sha256: str = ""
    base: dict[str, str] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT


def find_checkpoint(name: str | Path) -> Path:
    """The folder of a checkpoint given by path or by the name of shipped weights.

    Raises:
        PRSMedError: ``checkpoint_not_found``.
    """
    for folder in (SHIPPED / str(name), Path(name)):
        if (folder / MANIFEST).is_file():
            return folder
    shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob(f"*/{MANIFEST}"))) or "none"
    raise PRSMedError(
        "checkpoint_not_found",
        f"{str(name)!r} is neither a folder with a {MANIFEST} nor shipped weights ({shipped}); "
        "train one with `prsmed train` or name another",
    )


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        PRSMedError: ``bad_checkpoint`` when it is unreadable or of another format.
    """
    try:
        values = json.loads((folder / MANIFEST).read_text())
        manifest = Manifest(**values)
    except (OSError, ValueError, TypeError) as error:
        raise PRSMedError("bad_checkpoint", f"{MANIFEST} cannot be read: {error}; copy the checkpoint again") from error
    if manifest.format != FORMAT:
        raise PRSMedError("bad_checkpoint", f"the checkpoint has format {manifest.format}; this version reads {FORMAT}")
    return manifest


def verify_checkpoint(folder: Path) -> Manifest:
    """Read the manifest and compare the files with the hashes in it; builds nothing.

    Raises:
        PRSMedError: ``bad_checkpoint`` for a file that is missing, damaged or another.
    """
    manifest = read_manifest(folder)
    _check_hash(folder / WEIGHTS, manifest.sha256)
    if manifest.tokenizer_sha256:
        _check_hash(folder / TOKENIZER, manifest.tokenizer_sha256)
    return manifest


def unreadable(path: Path, error: Exception) -> PRSMedError:
    """The mistake of a file that cannot be read."""
    return PRSMedError("bad_checkpoint", f"{path.name} cannot be read: {error}; copy the checkpoint again")


def _check_hash(path: Path, sha256: str) -> None:
    try:
        found = hash_files([path])
    except OSError as error:
        raise unreadable(path, error) from error
    if found != sha256:
        raise PRSMedError(
            "bad_checkpoint",
            f"{path.name} has sha256 {found[:12]}..., the manifest says {sha256[:12]}...; copy the checkpoint again",
        )
